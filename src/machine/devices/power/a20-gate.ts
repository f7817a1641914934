// Gate A20: whether address line 20 goes to memory. The keyboard controller and port 92h each have a bit that lets it
// through; one is enough (Intel 290550, PIIX3, A20M#).

export class A20Gate {
  #controller = true;
  #fast = false;

  /** Told whenever the gate opens or closes. The processor is not: this machine's address line 20 always works. */
  constructor(private readonly changed: (open: boolean) => void = () => {}) {}

  get open(): boolean {
    return this.#controller || this.#fast;
  }

  /** The keyboard controller's output port, bit 1. */
  set controller(open: boolean) {
    this.#set(open, this.#fast);
  }

  /** Port 92h, bit 1. */
  set fast(open: boolean) {
    this.#set(this.#controller, open);
  }

  /** As after power-on: the keyboard controller has it open. */
  reset(): void {
    this.#set(true, false);
  }

  #set(controller: boolean, fast: boolean): void {
    const before = this.open;
    this.#controller = controller;
    this.#fast = fast;
    if (this.open !== before) this.changed(this.open);
  }
}
