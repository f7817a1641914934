// The guest's VGA text screen.

import { useSignal, useSignalEffect } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect, useMemo, useRef } from 'preact/hooks';
import { TEXT_COLUMNS, TEXT_ROWS, type ScreenFollower, type TextScreen } from '../machine/text-screen.js';
import { Keyboard } from './keyboard.js';
import './screen.css';
import { TextCanvas } from './text-canvas.js';

/** Milliseconds between two versions of the text for screen readers. */
const TEXT_MS = 1000;

interface ScreenProps {
  follower: ScreenFollower;
  /** A key of the machine's keyboard, by its KeyboardEvent.code. */
  send: (key: string, down: boolean) => void;
}

export function ScreenPanel({ follower, send }: ScreenProps): JSX.Element {
  const keyboard = useMemo(() => new Keyboard(send), [send]);
  const steady = useRef<HTMLCanvasElement>(null);
  const blinking = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const canvas = new TextCanvas(steady.current!, blinking.current!);
    const observer = new ResizeObserver(([entry]) => {
      canvas.resize(entry!.contentRect.width * devicePixelRatio);
    });
    observer.observe(steady.current!);
    const dispose = follower.screen.subscribe((screen) => {
      if (screen !== undefined) canvas.draw(screen);
    });
    return () => {
      observer.disconnect();
      dispose();
    };
  }, [follower]);
  return (
    <section class="panel screen" aria-label="VGA text screen">
      <div
        class="scrolls keyboard"
        role="application"
        aria-label="Picture of the screen; keys go to the guest"
        tabIndex={0}
        onKeyDown={keyboard.down}
        onKeyUp={keyboard.up}
        onBlur={keyboard.letGo}
      >
        <div class="picture">
          <canvas ref={steady} role="img" aria-label="The guest's text screen; its text follows" />
          <canvas ref={blinking} class="blinks" aria-hidden="true" />
          <Cursor screen={follower.screen.value} />
        </div>
      </div>
      <Text follower={follower} />
    </section>
  );
}

function Cursor({ screen }: { screen: TextScreen | undefined }): JSX.Element | null {
  const cursor = screen?.cursor;
  if (cursor === undefined) return null;
  const { row, column, first, last } = cursor;
  const lines = TEXT_ROWS * 16;
  const bottom = Math.min(last, 15);
  const style = {
    left: `${(column / TEXT_COLUMNS) * 100}%`,
    top: `${((row * 16 + first) / lines) * 100}%`,
    width: `${100 / TEXT_COLUMNS}%`,
    height: `${((bottom - first + 1) / lines) * 100}%`,
  };
  return <span class="cursor blinks" style={style} aria-hidden="true" />;
}

/** What is on the screen for those who do not see it. */
function Text({ follower }: { follower: ScreenFollower }): JSX.Element {
  const text = useSignal('');
  const timer = useRef<ReturnType<typeof setTimeout>>();
  useSignalEffect(() => {
    if (follower.screen.value === undefined || timer.current !== undefined) return;
    const take = (): void => {
      timer.current = undefined;
      const lines = follower.screen.peek()?.lines ?? [];
      text.value = lines
        .map((line) => line.trimEnd())
        .join('\n')
        .trimEnd();
    };
    timer.current = setTimeout(take, text.peek() === '' ? 0 : TEXT_MS);
  });
  useEffect(() => () => clearTimeout(timer.current), []);
  return <pre class="visually-hidden">{text.value}</pre>;
}
