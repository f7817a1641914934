// Lays out rows of text in columns, and draws bars from block characters.

export interface Column {
  readonly title: string;
  readonly align: 'left' | 'right';
}

/** One line for the titles and one for each row; columns stand two blanks apart. */
export function textTable(columns: readonly Column[], rows: readonly (readonly string[])[]): string[] {
  const widths = columns.map(({ title }, index) =>
    Math.max(title.length, ...rows.map((row) => (row[index] ?? '').length)),
  );
  const line = (cells: readonly string[]): string =>
    columns
      .map(({ align }, index) => {
        const cell = cells[index] ?? '';
        return align === 'left' ? cell.padEnd(widths[index]!) : cell.padStart(widths[index]!);
      })
      .join('  ')
      .trimEnd();
  return [line(columns.map(({ title }) => title)), ...rows.map(line)];
}

const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

/** A bar as long as `value` is of `most`, which fills `width` characters. */
export function bar(value: number, most: number, width: number): string {
  const eighths = most > 0 ? Math.round((value / most) * width * 8) : 0;
  return '█'.repeat(eighths >> 3) + EIGHTHS[eighths & 7]!;
}
