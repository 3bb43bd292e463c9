#!/bin/bash
# The root is read-only, the current directory real, the home thrown away; options change just what they name.
# shellcheck source-path=SCRIPTDIR disable=SC2016  # what a jailed shell expands
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
netns_run "$@"
need_nsgate

# A disk of the test's own, seen by nobody else: what stands there is neither in /tmp nor in the home.
mount -t tmpfs -o mode=755 none /mnt
D=/mnt/disk
mkdir -p "$D/work" "$D/place/below" "$D/other"
cd "$D/work"

# jail SHELL-TEXT [OPTION...]: runs it in a jail without a network, which starts sooner
jail()
{
	local text=$1
	shift

	run nsgate --net none "$@" -- sh -c "$text"
}

# ---- the root
jail 'for d in / /etc /usr /usr/bin /var /mnt '"$D/place $D/other"'; do
	touch "$d/x.$$" 2>/dev/null && echo "wrote to $d"; rm -f "$d/x.$$"; done; :'
expect_eq "$STATUS/$OUT" 0/ 'writable places'
echo real >"$D/place/file"
jail "echo jail >$D/place/file"
expect_match "$ERR" 'Read-only file system'
jail "rm $D/place/file; mv $D/place $D/moved; chmod 777 $D/place; ln $D/place/file l"
expect_no_match "$ERR" '^$' 'errors'
expect_eq "$(stat -c %a "$D/place") $(cd "$D" && echo *) $(<"$D/place/file")" '755 other place work real'
# submounts of the root, too
mkdir "$D/mounted"
mount -t tmpfs none "$D/mounted"
jail "touch $D/mounted/x"
expect_match "$ERR" 'Read-only file system'

# ---- the current directory is the caller's
jail 'pwd; echo made >made; mkdir dir; ln -s made link; chmod 640 made; mv made dir/'
expect_eq "$STATUS/$OUT/$ERR" "0/$D/work/" 'work in the current directory'
expect_eq "$(<dir/made) $(readlink link) $(stat -c '%a %u' dir/made)" "made made 640 $(id -u)"
rm -r dir link

# names that a careless path would stumble over
for name in 'with blanks  in it' $'a\nnewline' $'not\xffUTF-8\xc3' 'comma,colon:back\slash"quote' ' ' '...' '-v' \
	"$(printf 'x%.0s' {1..255})"; do
	mkdir -- "$D/$name"
	cd -- "$D/$name"
	jail 'pwd >name && touch ./-v'
	expect_eq "$STATUS/$ERR" 0/ "$(printf '%q' "$name")"
	expect_eq "$(<name)" "$D/$name" 'pwd'
	[[ -e ./-v ]] || fail "nothing came out of $(printf '%q' "$name")"
	cd "$D"
	rm -r -- "./$name"
done
mkdir gone
cd gone
rmdir "$D/gone"
jail true
expect_eq "$STATUS" 125 'a directory that is gone'
expect_match "$ERR" 'current directory.*Start nsgate in a directory that exists'
cd "$D/work"

# below the private /tmp and /var/tmp: only this folder is shown
mkdir /tmp/nsgate-test.$$ /tmp/nsgate-test.$$/work
cd /tmp/nsgate-test.$$/work
echo hidden >../hidden
jail 'echo made >made; ls -A /tmp; ls -A ..; pwd'
expect_eq "$OUT" "nsgate-test.$$"$'\nwork\n'"/tmp/nsgate-test.$$/work"
expect_eq "$(<made)" made
cd /tmp
jail 'touch x; ls -A; pwd'
expect_eq "$OUT" $'x\n/tmp' 'in /tmp itself'
[[ ! -e /tmp/x ]] || fail 'the current directory /tmp is the real one'
rm -r /tmp/nsgate-test.$$
# a symlink leads there: the place has one name in the jail
ln -s "$D/work" "$D/link"
cd -L "$D/link"
jail 'pwd -P; touch through-link'
expect_eq "$STATUS/$OUT" "0/$D/work"
[[ -e $D/work/through-link ]] || fail 'a current directory behind a symlink is not the real one'
rm "$D/work/through-link" "$D/link"

# ---- the home: all is there, no change stays
cd "$D/work"
mkdir -p "$HOME/.config/sub"
echo old >"$HOME/.config/file"
echo old >"$HOME/.config/sub/file"
find "$HOME" -printf '%p %m %s %T@\n' >"$T/home.before"
# shellcheck disable=SC2016  # the jail's HOME
jail 'cat ~/.config/file; echo new >~/.config/file; cat ~/.config/file; rm -r ~/.config/sub; touch ~/made
	mkdir ~/.cache; chmod 777 ~/.config; mv ~/.config/file ~/moved; ls -A ~'
expect_eq "$STATUS/$OUT/$ERR" $'0/old\nnew\n.cache\n.config\nmade\nmoved/' 'the home in the jail'
expect_eq "$(find "$HOME" -printf '%p %m %s %T@\n')" "$(<"$T/home.before")" 'the home afterwards'
jail 'ls -A ~'
expect_eq "$OUT" .config 'the home in the next jail'
# as the current directory, and above it
cd "$HOME"
jail 'pwd; echo new >.config/file; touch made; cat .config/file'
expect_eq "$STATUS/$OUT" "0/$HOME"$'\nnew' 'cwd = home'
expect_eq "$(<.config/file) $(ls)" 'old ' 'cwd = home, afterwards'
mkdir -p "$D/homes/me/project"
HOME=$D/homes/me
cd "$D/homes"
jail 'touch x me/x && ls -R'
expect_eq "$OUT" $'.:\nme\nx\n\n./me:\nproject\nx\n\n./me/project:' 'cwd above the home'
expect_eq "$(find "$D/homes" | wc -l)" 3 'cwd above the home, afterwards'
cd "$HOME/project"
jail 'touch x ../y; ls ..'
expect_eq "$OUT" $'project\ny' 'a project in the home'
expect_eq "$(find "$D/homes" -type f)" "$HOME/project/x" 'a project in the home, afterwards'
cd "$D/work"
HOME=/nonexistent jail 'touch x'
expect_eq "$STATUS/$(ls)" 0/x 'without a home'
HOME=/ jail 'touch /y y && ls y'
expect_eq "$STATUS/$(echo *)" '0/x y' 'with / as the home'
[[ ! -e /y ]] || fail 'with / as the home the root is the real one'
rm x y
ln -s "$D/homes/me" "$D/link-to-home"
cd "$D/homes/me"
HOME=$D/link-to-home jail 'touch z; cd ~; ls'
expect_eq "$STATUS/$OUT" $'0/project\nz' 'a home behind a symlink'
[[ ! -e z ]] || fail 'a home behind a symlink is the real one'
cd "$D/work"
HOME=$T/home
cd /
jail 'pwd; touch /x /etc/x /usr/x "$HOME/x" && ls /x /etc/x /usr/x'
expect_eq "$STATUS/$OUT" $'0//\n/etc/x\n/usr/x\n/x' 'cwd = /'
[[ ! -e /x && ! -e /etc/x && ! -e /usr/x && ! -e $HOME/x ]] || fail 'with cwd = / the root is the real one'
cd /usr/share
jail 'touch x && ls /usr/share/x'
expect_eq "$STATUS/$OUT" 0//usr/share/x 'cwd of the system'
[[ ! -e x ]] || fail 'with cwd = /usr/share changes are real'
cd "$D/work"

# ---- private places
touch /tmp/nsgate-test.caller /dev/shm/nsgate-test.caller
jail 'ls -A /tmp /var/tmp /run /dev/shm; touch /tmp/x /var/tmp/x /run/x /dev/shm/x; stat -c %a /tmp /var/tmp /dev/shm'
rm /tmp/nsgate-test.caller /dev/shm/nsgate-test.caller
expect_eq "$STATUS/$ERR" 0/ 'private places'
expect_eq "$OUT" $'/dev/shm:\n\n/run:\n\n/tmp:\n\n/var/tmp:\n'"${T#/var/tmp/}"$'\n1777\n1777\n1777'
for file in /tmp/x /var/tmp/x /run/x /dev/shm/x; do
	[[ ! -e $file ]] || fail "the jail's $file is the caller's"
done
jail 'ls /dev | xargs; echo x >/dev/null && head -c 4 /dev/zero | od -An -tx1; head -c 8 /dev/urandom | wc -c
	touch /dev/x; mknod /dev/kmsg c 1 11; head -c 1 /dev/zero >/dev/full; ls /dev/pts'
expect_eq "$OUT" $'fd full null ptmx pts random shm stderr stdin stdout tty urandom zero\n 00 00 00 00\n8\nptmx'
expect_match "$ERR" 'touch: .*Read-only.*mknod: .*No space left'
jail 'ls -d /proc/[0-9]* | wc -l; cat /proc/1/comm'
[[ ${OUT%%$'\n'*} -le 4 ]] || fail "the jail sees others' processes$(last_run)"

# ---- options
# --write: real; --overlay: not; --hide: empty; a later or deeper one wins
echo real >"$D/place/below/file"
jail "echo jail >$D/place/below/file; cat $D/place/below/file" --write "$D/place"
expect_eq "$STATUS/$OUT/$(<"$D/place/below/file")" 0/jail/jail '--write'
echo real >"$D/place/below/file"
jail "echo jail >$D/place/below/file; touch $D/place/x; cat $D/place/below/file" --overlay "$D/place"
expect_eq "$STATUS/$OUT/$(<"$D/place/below/file")" 0/jail/real '--overlay'
[[ ! -e $D/place/x ]] || fail 'an overlay wrote to the real place'
jail "ls -A $D/place; touch $D/place/x" --hide "$D/place"
expect_eq "$STATUS/$OUT" 1/ '--hide'
jail "cat $D/place/file" --hide "$D/place/file"
expect_no_match "$STATUS/$OUT" real '--hide of a file'
jail "cat $D/place/below/file; ls $D/place; touch $D/place/x" --hide "$D/place" --ro-bind "$D/place/below:/tmp/b" \
	--bind "$D/other:/tmp/o"
expect_no_match "$OUT" real '--hide beside a bind'
# files can be written, too
jail "echo jail >$D/place/file; echo jail >$D/place/file2" --write "$D/place/file"
expect_eq "$(<"$D/place/file")/$(ls "$D/place")" $'jail/below\nfile' '--write of a file'
echo real >"$D/place/file"
# SRC[:DST]
jail "cat /tmp/seen/file; echo jail >/tmp/seen/new" --bind "$D/place:/tmp/seen"
expect_eq "$STATUS/$OUT/$(<"$D/place/new")" 0/real/jail '--bind'
rm "$D/place/new"
jail "cat /tmp/a/b/seen/file; echo jail >/tmp/a/b/seen/new" --ro-bind "$D/place:/tmp/a/b/seen"
expect_eq "$STATUS/$OUT" 2/real '--ro-bind'
expect_match "$ERR" 'Read-only file system'
jail 'cat /run/file' --ro-bind "$D/place/file:/run/file"
expect_eq "$STATUS/$OUT" 0/real '--ro-bind of a file'
jail "touch $D/place/x" --bind "$D/place"
expect_eq "$STATUS" 0 '--bind without DST'
rm "$D/place/x"
mkdir "$D/a:b"
touch "$D/a:b/file"
jail 'ls /tmp/ab' --bind "$D/a:b:/tmp/ab"
expect_eq "$STATUS/$OUT" 0/file 'a source with a colon'
jail "ls $D/a:b; touch '$D/a:b/x'" --overlay "$D/a:b"
expect_eq "$STATUS/$OUT/$(ls "$D/a:b")" 0/file/file 'an overlay with a colon'
jail 'touch y; ls' --bind "$D/place/below:$D/work"
expect_eq "$STATUS/$OUT" $'0/file\ny' 'over the current directory'
rm "$D/place/below/y"
# relative paths are the caller's, and so are symlinks in sources
mkdir rel
ln -s "$D/place" to-place
jail 'touch rel/x; touch to-place/x' --write rel --write to-place
expect_eq "$STATUS/$(echo rel/* "$D"/place/*)" "0/rel/x $D/place/below $D/place/file $D/place/x" 'relative, symlinked'
rm -r rel "$D/place/x"
jail 'ls /tmp/t' --ro-bind to-place:/tmp/t
expect_eq "$STATUS/$OUT" $'0/below\nfile' 'a symlinked source'
rm to-place
# a symlink in the place to mount on is followed inside the jail
mkdir "$D/behind"
ln -s "$D/behind" "$D/to"
jail "ls $D/behind" --ro-bind "$D/place:$D/to"
expect_eq "$STATUS/$OUT" $'0/below\nfile' 'a symlinked target'
rm -r "$D/behind" "$D/to"
# --tmpfs
jail "ls -A $D/place; touch $D/place/x && ls $D/place" --tmpfs "$D/place"
expect_eq "$STATUS/$OUT" 0/x '--tmpfs'
[[ ! -e $D/place/x ]] || fail '--tmpfs wrote to the real place'
jail "head -c 2000000 /dev/zero >$D/place/x; stat -c %s $D/place/x" --tmpfs "$D/place:1m"
expect_eq "$OUT" 1048576 '--tmpfs with a size'
expect_match "$ERR" 'No space left'

# ---- the order: by depth, whatever the order of the options
deep=(--ro-bind "$D/place/file:/tmp/1/2/3/file" --tmpfs /tmp/1/2 --bind "$D/other:/tmp/1/2/3" --hide "$D/place/below")
touch "$D/other/file"
jail 'cat /tmp/1/2/3/file; ls /tmp/1/2/3; touch /tmp/1/2/3/x; ls -A '"$D/place/below" "${deep[@]}"
expect_eq "$STATUS/$OUT" $'0/real\nfile' 'deepest given first'
[[ -e $D/other/x ]] || fail 'the bind between is missing'
rm "$D/other/x"
jail "touch $D/place/x; touch $D/place/below/x" --write "$D/place/below" --ro-bind "$D/place"
expect_eq "$(find "$D/place" -name x)" "$D/place/below/x" 'writable in read-only'
rm "$D/place/below/x"
jail "touch $D/place/x; touch $D/place/below/x" --ro-bind "$D/place/below" --write "$D/place"
expect_eq "$(find "$D/place" -name x)" "$D/place/x" 'read-only in writable'
rm "$D/place/x"
# of two for the same place the one given last
jail "touch $D/place/x" --write "$D/place" --ro-bind "$D/place"
expect_eq "$STATUS" 1 'write, then read-only'
jail "touch $D/place/x && rm $D/place/x" --ro-bind "$D/place" --write "$D/place"
expect_eq "$STATUS" 0 'read-only, then write'
# read-only parts of the default view can be opened, and writable ones closed
jail 'touch x' --ro-bind "$D/work"
expect_eq "$STATUS/$(ls)" 1/ 'the current directory made read-only'
jail 'touch ~/x' --write "$HOME"
[[ -e $HOME/x ]] || fail 'the home with --write is thrown away'
rm "$HOME/x"

# ---- where it starts, what it is called
jail pwd --chdir "$D/place"
expect_eq "$STATUS/$OUT" "0/$D/place" '--chdir'
jail 'pwd; touch x' --chdir /tmp/new --tmpfs /tmp/new
expect_eq "$STATUS/$OUT" 0//tmp/new '--chdir into a new place'
jail 'hostname; uname -n; cat /proc/sys/kernel/hostname'
expect_eq "$OUT" $'nsgate\nnsgate\nnsgate' 'the default host name'
jail 'hostname' --hostname box-1.example
expect_eq "$OUT" box-1.example '--hostname'
run nsgate --hostname box-1.example -- getent hosts box-1.example
expect_match "$STATUS/$OUT" '^0/[0-9a-f:.]+ +box-1.example' 'the host name as a name'

# ---- mistakes stop the run before it begins
refused() # MESSAGE OPTION...
{
	local message=$1
	shift

	jail 'touch ran' "$@"
	expect_eq "$STATUS/$OUT" 125/ "$*"
	expect_match "$ERR" "^nsgate: .*$message" "$*"
	[[ ! -e ran ]] || fail "the command ran despite $*"
}
for option in --write --overlay --hide --bind --ro-bind; do
	refused "$option missing: No such file" "$option" missing
	refused "$option $D/missing/x: No such file" "$option" "$D/missing/x"
	refused "$option: column 1: expected a path, got nothing" "$option" ''
done
refused 'there is no /mnt/missing to mount on.*Make it first' --bind "$D/place:/mnt/missing"
refused 'there is no /mnt/missing to mount on' --tmpfs /mnt/missing
refused 'missing: No such file' --ro-bind "missing:/tmp/x"
refused 'tmpfs: x: expected an absolute path' --tmpfs x
refused 'tmpfs /tmp/x:12q: expected a size' --tmpfs /tmp/x:12q
refused '"\.\."' --bind "$D/place:/tmp/../x"
refused 'overlay .*/file: .*Not a directory' --overlay "$D/place/file"
refused 'file: .*' --tmpfs "$D/place/file"
refused '.' --bind "$D/place:$D/place/file"
refused '.' --bind "$D/place/file:$D/place"
refused 'chdir x: expected an absolute path' --chdir x
refused 'change to /mnt/missing inside the jail.*--chdir' --chdir /mnt/missing
refused 'change to /etc/passwd' --chdir /etc/passwd
refused 'hostname' --hostname 'a b'
refused 'hostname' --hostname ''
[[ ! -e /mnt/missing ]] || fail 'a mount point was made on the real disk'
