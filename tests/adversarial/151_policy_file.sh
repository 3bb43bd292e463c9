#!/bin/bash
# Row 151: a policy that the payload could change for the next run is refused; one that is taken, it cannot change.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
netns_run "$@"
need_nsgate
need_adversary

server echo 80
mkdir "$T/safe" "$T/other" sub
policy() # FILE [LINE...]
{
	printf '%s\n' 'version: 1' "${@:2}" >"$1"
}
OPEN="network: {allow: [cidr=$PUB4]}"
policy p.yaml
policy sub/p.yaml
policy "$T/safe/p.yaml"
policy "$T/safe/far.yaml" 'include: [../work/p.yaml]'
ln -s "$T/safe/p.yaml" link.yaml
ln -s "$T/safe" way
ln -s "$T/work/p.yaml" "$T/safe/back.yaml"

# Nothing runs, and the message says which name on the way is the weak one.
refused() # CULPRIT OPTION...
{
	local net

	for net in gate none host; do
		rm -f ran
		run nsgate --net "$net" "${@:2}" -- touch ran
		expect_eq "$STATUS/$OUT" 125/ "--net $net ${*:2}"
		expect_match "$ERR" "^nsgate: policy .*for the next run: $1 lies in .*writable in the jail"
		expect_match "$ERR" $'\n''Keep it where the jail cannot write, such as ~/.config/nsgate or /etc'
		[[ ! -e ran ]] || fail "ran despite $*"
	done
}
refused "$T/work/p.yaml" --policy p.yaml
refused "$T/work/p.yaml" --policy "$T/work/p.yaml"
refused "$T/work/sub" --policy sub/p.yaml
refused "$T/work/p.yaml" --policy "$T/safe/p.yaml" --policy ./p.yaml
refused "$T/work/link.yaml" --policy link.yaml
refused "$T/work/way" --policy way/p.yaml
refused "$T/work/p.yaml" --policy "$T/safe/back.yaml"
refused "$T/work/p.yaml" --policy "$T/safe/far.yaml"
refused "$T/safe/p.yaml" --policy "$T/safe/p.yaml" --write "$T/safe"
refused "$T/safe/p.yaml" --policy "$T/safe/p.yaml" --write "$T/safe/p.yaml"
refused "$T/safe/p.yaml" --policy "$T/safe/p.yaml" --bind "$T/safe:$T/other"
refused "$T/safe" --policy "$T/safe/p.yaml" --bind "$T:$T/other"
refused "$T/work/p.yaml" --policy "$T/safe/p.yaml" --policy "$T/work/p.yaml" --overlay "$T"
# The policy itself says what is writable: it counts as well.
policy "$T/safe/self.yaml" 'filesystem:' "  write: [\"$T/safe\"]"
refused "$T/safe/self.yaml" --policy "$T/safe/self.yaml"
# A name elsewhere in the writable place is the same file.
ln "$T/safe/p.yaml" "$T/safe/second.yaml"
run nsgate --policy "$T/safe/p.yaml" -- touch ran
expect_eq "$STATUS" 125
expect_match "$ERR" 'the file has another name'
rm "$T/safe/second.yaml"

# Another mount of the caller's is another way to the same place: of a directory, of a file, and of the
# policy's own directory below what can be written.
mkdir "$T/a mount" conf
touch "$T/one.yaml"
mount --bind sub "$T/a mount"
refused "$T/a mount" --policy "$T/a mount/p.yaml"
umount "$T/a mount"
mount --bind . "$T/a mount"
refused "$T/a mount/p.yaml" --policy "$T/a mount/p.yaml"
umount "$T/a mount"
mount --bind p.yaml "$T/one.yaml"
refused "$T/one.yaml" --policy "$T/one.yaml"
umount "$T/one.yaml"
mount --bind "$T/safe" conf
refused "$T/safe/p.yaml" --policy "$T/safe/p.yaml"
umount conf
mount --bind "$T/other" conf
run nsgate --policy "$T/safe/p.yaml" -- true
expect_eq "$STATUS" 0 'a mount of something else'
umount conf
mount -t tmpfs tmpfs conf
mount -t tmpfs -o mode=755 tmpfs "$T/a mount"
policy "$T/a mount/p.yaml"
run nsgate --policy "$T/a mount/p.yaml" -- true
expect_eq "$STATUS" 0 'a file system of its own'
umount conf "$T/a mount"

# ---- what is taken: the payload has a try at the file, at its directory, and at the names of both
cat >try.sh <<'END'
file=$1 directory=${1%/*}
(echo "$2" >"$file") && echo "wrote $file"
(echo "$2" >>"$file") && echo "appended to $file"
mv "$file" "$file.old" && echo "renamed $file"
rm -f "$file" && [ ! -e "$file" ] && echo "removed $file"
mv "$directory" "$directory.old" && echo "renamed $directory"
ln "$file" ./hard && echo "linked $file"
mount --bind ./try.sh "$file" && echo "mounted on $file"
chmod 666 "$file" && echo "opened $file"
:
END
unchanged() # FILE [OPTION...]
{
	local before after
	before=$(stat -c '%i %a %h %Y %s' "$1" && cat "$1")
	run nsgate --policy "$1" "${@:2}" -- sh try.sh "$1" "version: 1
$OPEN"
	expect_eq "$STATUS" 0
	TRIED=$OUT
	after=$(stat -c '%i %a %h %Y %s' "$1" && cat "$1")
	expect_eq "$after" "$before" "$1 after the run"
	# the next run is judged as the first was
	run nsgate --policy "$1" "${@:2}" -- "$ADVERSARY" dial "$PUB4" 80
	expect_eq "$OUT" ECONNRESET "$PUB4 in the next run"
}
unchanged "$T/safe/p.yaml" --ro-bind "$T/safe"
expect_eq "$TRIED" '' 'what the payload could do'
# Below the home it may do as it likes: what it changes is thrown away.
mkdir -p "$HOME/.config/nsgate"
policy "$HOME/.config/nsgate/p.yaml"
unchanged "$HOME/.config/nsgate/p.yaml"
expect_match "$TRIED" "wrote $HOME/.config/nsgate/p.yaml"
cp p.yaml try.sh "$ADVERSARY" "$T/other/"
ADVERSARY=$T/other/${ADVERSARY##*/}
cd "$T/other"
unchanged "$T/other/p.yaml" --overlay .
expect_match "$TRIED" "wrote $T/other/p.yaml"
cd "$T/work"
ADVERSARY=$T/work/${ADVERSARY##*/}

# ---- the control: with such a policy the same dial goes through, so a changed one would be noticed
policy "$T/safe/open.yaml" "$OPEN"
run nsgate --policy "$T/safe/open.yaml" -- "$ADVERSARY" dial "$PUB4" 80
[[ $OUT != ECONNRESET ]] || fail 'the control does not connect'

# ---- everybody's file
chmod o+w "$T/safe/p.yaml"
run nsgate --policy "$T/safe/p.yaml" -- touch ran
expect_eq "$STATUS" 125
expect_match "$ERR" 'everybody may change .*/safe/p.yaml'
[[ ! -e ran ]] || fail 'ran with a policy of everybody'
