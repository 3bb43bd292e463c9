#!/bin/bash
# Row 62: nothing of the kernel in /proc can be written, nor its memory read, not even by uid 0.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
netns_run "$@"
need_nsgate
need_confined

# ---- by access(2): of what does not belong to a process only "pressure", which anybody may open to be told of it
expression=(-path '/proc/[0-9]*' -prune -o -path /proc/pressure -prune -o '!' -type l -writable -print)
run find /proc/sys -writable
[[ $TEST_UID -ne 0 ]] || [[ $OUT ]] || fail 'the control: nothing is writable outside'
run nsgate -- sh -c 'find /proc/self/ -maxdepth 1 -name comm -writable; find "$@" 2>/dev/null' - /proc "${expression[@]}"
expect_eq "$OUT" /proc/self/comm

# ---- by writing what is there already
files=(sys/kernel/core_pattern sys/kernel/modprobe sys/kernel/hotplug sys/kernel/poweroff_cmd sys/vm/panic_on_oom
	sys/kernel/sysrq sys/kernel/randomize_va_space sys/kernel/hostname sys/net/ipv4/ip_forward
	sys/fs/binfmt_misc/register sys/user/max_user_namespaces sysrq-trigger kcore kallsyms kmsg mtrr irq/default_smp_affinity
	acpi/wakeup timer_list keys 1/oom_score_adj 1/uid_map 1/setgroups 1/mem self/uid_map self/gid_map self/setgroups)
for file in "${files[@]}"; do
	before=''
	[[ $file != sys/* ]] || before=$(cat "/proc/$file" 2>/dev/null) || true
	case $file in
	self/* | 1/*) text='0 0 1' ;;
	sysrq-trigger) text=h ;; # at worst a list of commands in the kernel's log
	*) text=${before:0:100} ;;
	esac
	# shellcheck disable=SC2016  # the inner shell's
	run nsgate -- sh -c 'printf "%s\n" "$1" >"/proc/$0"' "$file" "$text"
	[[ $STATUS -ne 0 ]] || fail "wrote to /proc/$file"
	expect_match "$ERR" 'Read-only|[Pp]ermission denied|not permitted|nonexistent|No such|cannot create|Invalid|I/O error' "/proc/$file"
done

# ---- reading
for file in kcore kmsg keys timer_list kpageflags kpagecount; do
	[[ -e /proc/$file ]] || continue
	run nsgate -- head -c 1 "/proc/$file"
	expect_eq "$OUT" '' "/proc/$file"
done
run nsgate -- sh -c 'cut -d" " -f1 /proc/kallsyms | sort -u | head -n 5'
expect_match "$OUT" '^0*$' 'addresses of the kernel'

# ---- the guard is a mount: it holds for a payload that owns all of it
run nsgate -- findmnt -no OPTIONS /proc/sys
expect_match "$OUT" '^ro,'
