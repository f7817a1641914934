// Names of ATA's registers and their bits. Section numbers in this directory are of ATA/ATAPI-7 volume 1 and 2 (T13/1532D,
// revision 4b), unless they say otherwise.

/** Offsets in the command block. */
export const DATA = 0;
/** Features when written. */
export const ERROR = 1;
export const COUNT = 2;
export const LBA_LOW = 3;
export const LBA_MID = 4;
export const LBA_HIGH = 5;
export const DEVICE = 6;
/** Command when written. */
export const STATUS = 7;

export const STATUS_BSY = 0x80;
export const STATUS_DRDY = 0x40;
/** Seek complete in the earliest standards; what a drive that does nothing shows to this day. */
export const STATUS_DSC = 0x10;
export const STATUS_DRQ = 0x08;
export const STATUS_ERR = 0x01;

export const ERROR_UNC = 0x40;
export const ERROR_IDNF = 0x10;
export const ERROR_ABRT = 0x04;

export const DEVICE_LBA = 0x40;
export const DEVICE_DEV = 0x10;

/** Device control, at 3F6h and 376h. */
export const CONTROL_HOB = 0x80;
export const CONTROL_SRST = 0x04;
export const CONTROL_NIEN = 0x02;

export const SECTOR = 512;
