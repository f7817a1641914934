// Family CRYPTO: AES, SHA and carry-less multiplication.

import { missing } from '../missing';
import { Operation } from '../decode/operation';
import { decrypt, decryptLast, encrypt, encryptLast, inverseMixColumns, keyAssist } from './aes';
import { carrylessProduct } from './carryless';
import { first, fourth, immediate, last, operation, put, target } from './operands';
import { nextE, rounds1, rounds256, schedule1First, schedule1Second, schedule256First, schedule256Second } from './sha';

/** Executes a micro-operation of the family. False = raised, and nothing has changed. */
export function crypto(op: usize): bool {
  const to = target(op);
  const x = first(op);
  const y = last(op);
  const a = load<v128>(x);
  const b = load<v128>(y);
  switch (operation(op)) {
    case Operation.SHA1NEXTE:
      return put(to, nextE(x, y));
    case Operation.SHA1MSG1:
      return put(to, schedule1First(a, b));
    case Operation.SHA1MSG2:
      return put(to, schedule1Second(x, y));
    case Operation.SHA1RNDS4:
      return rounds1(to, x, y, immediate(op));
    case Operation.SHA256RNDS2:
      return rounds256(to, x, y, fourth(op));
    case Operation.SHA256MSG1:
      return put(to, schedule256First(a, b));
    case Operation.SHA256MSG2:
      return put(to, schedule256Second(x, y));
    case Operation.AESIMC:
      return put(to, inverseMixColumns(b));
    case Operation.AESENC:
      return put(to, encrypt(a, b));
    case Operation.AESENCLAST:
      return put(to, encryptLast(a, b));
    case Operation.AESDEC:
      return put(to, decrypt(a, b));
    case Operation.AESDECLAST:
      return put(to, decryptLast(a, b));
    case Operation.AESKEYGENASSIST:
      return put(to, keyAssist(b, immediate(op)));
    case Operation.PCLMULQDQ: {
      const control = immediate(op);
      const element = load<u64>(x + (((<usize>control) & 1) << 3));
      return put(to, carrylessProduct(element, load<u64>(y + (((<usize>control) & 16) >> 1))));
    }
    default:
      return missing(op);
  }
}
