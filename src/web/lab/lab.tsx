// The page as a whole: where each panel stands.

import type { JSX } from 'preact';
import { isolated } from '../client/index.js';
import { useKeys } from './keys.js';
import type { Session } from './machine/session.js';
import { Charts } from './parts/charts.js';
import type { SerialConsole } from './parts/console.js';
import { Drop } from './parts/drop.js';
import { DisassemblyPanel } from './parts/disassembly.js';
import { Displays } from './parts/displays.js';
import { ExitPath } from './parts/exit-path.js';
import { KickTable } from './parts/kick-table.js';
import { RegistersPanel } from './parts/registers.js';
import { Loading } from './parts/loading.js';
import { Toolbar } from './parts/toolbar.js';
import { WalkPanel } from './parts/walk.js';

interface LabProps {
  session: Session;
  serial: SerialConsole;
}

export function Lab({ session, serial }: LabProps): JSX.Element {
  useKeys(session);
  const state = session.waiting.value ? 'waiting' : session.status.value;
  return (
    <>
      <header>
        <div>
          <h1>Doorbell laboratory</h1>
          <p class="subtitle">What does it cost a guest to ring a device's doorbell?</p>
        </div>
        <Drop session={session} />
        {!isolated() && (
          <p class="isolation" role="note">
            This page is not cross-origin isolated: no shared memory; one vCPU, everything else is the same.
          </p>
        )}
      </header>
      <main>
        <Toolbar session={session} />
        <div class="status-line">
          <div class="status" role="status" data-status={state}>
            <strong>{state}</strong> <span class="message">{session.complaint.value || session.message.value}</span>
          </div>
          <Loading session={session} />
        </div>
        <div class={session.whole ? 'panels whole' : 'panels'}>
          <ExitPath session={session} />
          <Charts session={session} />
          <KickTable session={session} />
          <Displays session={session} serial={serial} send={(bytes) => session.send(bytes)} />
          <RegistersPanel session={session} />
          <DisassemblyPanel session={session} />
          <WalkPanel session={session} />
          {/* Further panels: <section class="panel"> takes one column, with class `broad` two of three. */}
        </div>
      </main>
    </>
  );
}
