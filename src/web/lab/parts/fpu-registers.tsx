// x87 and vector registers: many digits, asked for only while they are open.

import type { JSX } from 'preact';
import { useRef } from 'preact/hooks';
import { readFpu, type FpuImage } from '../machine/fpu-image.js';
import type { Session } from '../machine/session.js';
import { Hex } from './hex.js';
import { useLook } from './look.js';

export function FpuRegisters({ session }: { session: Session }): JSX.Element {
  const place = useRef<HTMLDivElement>(null);
  const look = useLook(session, place, async (pc) => readFpu(await pc.vcpu.getXsave()));
  const { value, error } = look.value;
  return (
    <details class="fpu">
      <summary>x87 and vector registers</summary>
      <div ref={place}>
        {error !== '' && <p role="alert">{error}</p>}
        {value === undefined ? <p class="nothing">Not read yet.</p> : <Image image={value} />}
      </div>
    </details>
  );
}

function Image({ image: { control, status, mxcsr, x87, vectors } }: { image: FpuImage }): JSX.Element {
  const wide = vectors.some(({ high }) => !/^0*$/.test(high));
  return (
    <div class="scrolls" role="region" aria-label="x87 and vector registers" tabIndex={0}>
      <p>
        FCW <Hex value={control} digits={4} /> · FSW <Hex value={status} digits={4} /> · MXCSR{' '}
        <Hex value={mxcsr} digits={8} />
      </p>
      <table>
        <caption>x87</caption>
        <tbody>
          {x87.map(({ name, hex, value }) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td>
                <Hex value={hex} digits={20} />
              </td>
              <td class="attributes">{value}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <table>
        <caption>{wide ? 'YMM' : 'XMM'}</caption>
        <tbody>
          {vectors.map(({ name, low, high }) => (
            <tr key={name}>
              <th scope="row">{wide ? name.replace('X', 'Y') : name}</th>
              <td>
                {wide && (
                  <>
                    <Hex value={high} digits={32} /> <br />
                  </>
                )}
                <Hex value={low} digits={32} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
