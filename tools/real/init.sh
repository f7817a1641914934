#!/bin/sh
# The first process of the test system. On the kernel's command line:
#   doorbell.shell   a shell on the serial line at once; the script of tests can be called there: /tests
#   doorbell.disk    loads the drivers for an IDE disk; the tests try it
#   doorbell.stay    the machine is not switched off behind the tests, but a shell comes
export PATH=/bin HOME=/root
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev

says() { grep -qw "doorbell\.$1" /proc/cmdline; }

load() {
  while read -r module; do insmod "/modules/$module.ko"; done <"/modules/$1"
}

if says disk; then load disk; fi

if ! says shell; then
  # From here on the serial line is the tests' alone; what the kernel says is kept for the step `warnings`.
  dmesg -n 1
  /tests
fi
if says shell || says stay; then
  # The power button switches the machine off.
  load power
  mkdir -p /var/log /var/run
  acpid
  export PS1='doorbell:\w# '
  cd /root
  setsid cttyhack sh
fi
sync
poweroff -f
