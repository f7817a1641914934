#!/bin/sh
# The script of tests. Each step prints `==> NAME`, what its commands print, and `<== NAME STATUS`; whoever reads it knows what
# is right. STATUS is that of the step's last command.
step() {
  echo "==> $1"
  "step_$1"
  echo "<== $1 $?"
}

step_system() { uname -srm && cat /proc/cmdline; }

step_arithmetic() {
  echo $((123456789 * 987654321)) $((-7 / 2)) $((-7 % 3)) $((1 << 62))
  awk 'BEGIN { printf "%.15g %.15g %.15g\n", 355 / 113, 1e308 / 7, 2 - 1.1 }'
  i=0 sum=0
  while [ $i -lt 2000 ]; do i=$((i + 1)) sum=$((sum + i * i)); done
  echo $sum
  echo '2^200 + 1' | bc
}

step_files() {
  mkdir -p /tmp/a/b && cd /tmp/a/b || return 1
  seq 1 20000 >numbers && cp numbers copy && cmp numbers copy || return 1
  ln -s numbers link && ln numbers hard && chmod 640 copy || return 1
  mv copy moved && stat -c '%a %s %h' moved hard && readlink link
  tail -n 1 link
  tar cf /tmp/all.tar . && mkdir out && tar xf /tmp/all.tar -C out && cmp out/numbers numbers || return 1
  gzip -9 moved && gunzip -c moved.gz | cmp - numbers || return 1
  find . -type f | wc -l
  cd / && rm -r /tmp/a /tmp/all.tar && [ ! -e /tmp/a ]
}

step_processes() {
  (exit 3) || echo "status $?"
  sleep 100 &
  child=$!
  kill -TERM $child
  wait $child
  echo "signal $(($? - 128))"
  i=0
  while [ $i -lt 30 ]; do (echo $i >/dev/null) & i=$((i + 1)); done
  wait
  trap 'echo caught' USR1
  kill -USR1 $$
  trap - USR1
  ulimit -v 4096
  ( : ) && echo "limits ok"
}

step_pipes() {
  seq 1 5000 | sort -rn | awk '{ s += $1 } END { print s, NR }'
  mkfifo /tmp/fifo
  (seq 1 1000 >/tmp/fifo) &
  wc -l </tmp/fifo
  wait
  yes doorbell | head -n 100000 | md5sum
}

step_sha256() {
  sha256sum </known
  sha256sum </bin/busybox
}

now() {
  read -r up _ </proc/uptime
  echo "$up $(date +%s) $(cat /sys/class/rtc/rtc0/since_epoch)"
}

step_clock() {
  cat /sys/devices/system/clocksource/clocksource0/current_clocksource
  now
  sleep 2
  now
}

step_clocksources() { cat /sys/devices/system/clocksource/clocksource0/available_clocksource; }

step_interrupts() { cat /proc/interrupts; }

step_processor() { grep -E '^(processor|vendor_id|model name|cpu MHz|bogomips|flags|bugs)' /proc/cpuinfo; }

step_memory() { grep -E '^(MemTotal|MemFree)' /proc/meminfo && cat /proc/iomem; }

step_pci() {
  for device in /sys/bus/pci/devices/*; do
    echo "${device##*/} $(cat $device/vendor):$(cat $device/device) $(cat $device/class) irq $(cat $device/irq)"
  done
}

step_acpi() { ls /sys/firmware/acpi/tables; }

step_disk() {
  tries=0
  until [ -b /dev/sda ]; do
    tries=$((tries + 1))
    [ $tries -le 100 ] || return 1
    usleep 100000
  done
  cat /sys/block/sda/size /sys/block/sda/device/model
  sha256sum </dev/sda
  seq 1 100000 | head -c 524288 >/tmp/pattern
  dd if=/tmp/pattern of=/dev/sda bs=4096 seek=512 conv=fsync,notrunc 2>/dev/null || return 1
  echo 3 >/proc/sys/vm/drop_caches
  dd if=/dev/sda bs=4096 skip=512 count=128 2>/dev/null | sha256sum
  sha256sum </tmp/pattern
  sha256sum </dev/sda
  mke2fs -q -F /dev/sda >/dev/null && mkdir -p /mnt && mount -t ext2 /dev/sda /mnt || return 1
  cp /bin/busybox /mnt/busybox && umount /mnt && mount -t ext2 /dev/sda /mnt || return 1
  echo 3 >/proc/sys/vm/drop_caches
  cmp /bin/busybox /mnt/busybox && umount /mnt
}

# As the kernel's log has them: level, then text. Level 4 is a warning, lower ones are worse.
step_warnings() {
  dmesg -r | grep -E '^<[0-4]>'
  return 0
}

for name in system arithmetic files processes pipes sha256 clock clocksources processor memory pci acpi; do step $name; done
if grep -qw 'doorbell\.disk' /proc/cmdline; then step disk; fi
step interrupts
step warnings
echo '==> end'
