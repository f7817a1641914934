// The errors of this project: one class per errno name, so that callers can test `instanceof EEXIST` or `error.code`.
// Numbers are Linux's (x86), because KVM's vocabulary is the one our users know.

/** Base of every error thrown on purpose. `code` is the errno's name, `errno` its positive Linux number. */
export class DoorbellError extends Error {
  constructor(
    readonly code: string,
    readonly errno: number,
    message: string,
  ) {
    super(`${code}: ${message}`);
    this.name = code;
  }
}

/** No such registration, file or entry. */
export class ENOENT extends DoorbellError {
  constructor(message: string) {
    super('ENOENT', 2, message);
  }
}

/** A wait was interrupted. */
export class EINTR extends DoorbellError {
  constructor(message: string) {
    super('EINTR', 4, message);
  }
}

/** There is no such controller to speak to. */
export class ENXIO extends DoorbellError {
  constructor(message: string) {
    super('ENXIO', 6, message);
  }
}

/** A descriptor that is closed, or none at all. */
export class EBADF extends DoorbellError {
  constructor(message: string) {
    super('EBADF', 9, message);
  }
}

/** The operation would have to wait, and was told not to. */
export class EAGAIN extends DoorbellError {
  constructor(message: string) {
    super('EAGAIN', 11, message);
  }
}

/** No memory left for the object. */
export class ENOMEM extends DoorbellError {
  constructor(message: string) {
    super('ENOMEM', 12, message);
  }
}

/** An argument that is not even the structure it should be. */
export class EFAULT extends DoorbellError {
  constructor(message: string) {
    super('EFAULT', 14, message);
  }
}

/** The object already serves somebody who needs it alone. */
export class EBUSY extends DoorbellError {
  constructor(message: string) {
    super('EBUSY', 16, message);
  }
}

/** The place is taken by an earlier registration. */
export class EEXIST extends DoorbellError {
  constructor(message: string) {
    super('EEXIST', 17, message);
  }
}

/** No such device. */
export class ENODEV extends DoorbellError {
  constructor(message: string) {
    super('ENODEV', 19, message);
  }
}

/** An argument outside what the call accepts. */
export class EINVAL extends DoorbellError {
  constructor(message: string) {
    super('EINVAL', 22, message);
  }
}

/** A fixed table is full. */
export class ENOSPC extends DoorbellError {
  constructor(message: string) {
    super('ENOSPC', 28, message);
  }
}

/** Waiting here could never end: nobody else can run, or this thread may not block. */
export class EDEADLK extends DoorbellError {
  constructor(message: string) {
    super('EDEADLK', 35, message);
  }
}

/** The operation does not exist in this mode. */
export class EOPNOTSUPP extends DoorbellError {
  constructor(message: string) {
    super('EOPNOTSUPP', 95, message);
  }
}
