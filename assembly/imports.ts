// What the core asks of the hypervisor: a hand for exits, and the host's clock.

/** An exit: the record is filled in; the answer is RESUME, SKIP or LEAVE (state.ts). */
// @ts-ignore: decorator
@external('env', 'exit') export declare function exitHandler(reason: i32, gpaLow: i32, gpaHigh: i32, info: i32): i32;
/** Ticks of the time-stamp counter by the host's clock. */
// @ts-ignore: decorator
@external('env', 'now') export declare function hostTicks(): f64;
