export function plain(op: usize, operation: u32): bool {
  return false;
}
