# disk_package_cases.sh - cases of disk_test.sh: packages that are refused
# whole, or lead somewhere that nobody may follow; none leaves a trace.
# shellcheck shell=sh disable=SC2154,SC2034

# evil NAME PATTERN: import of $work/evil.tar as root.tar must be refused
evil()
{
	fresh_pkg
	mv "$work/evil.tar" "$work/pkg/root.tar"
	manifest evil 1.0 32 >"$work/pkg/manifest"
	pack
	before=$(traces)
	refuse "root.tar: $1" EINVAL "$2" disk import "$work/p.tar.zst"
	equal "root.tar: $1: no trace" "$before" "$(traces)"
}

test_evil_tar()
{
	e=$work/evil
	mkdir "$e"
	echo pwned >"$e/file"
	ln -s / "$e/link"
	tar -C "$e" -cf "$work/evil.tar" --transform 's|^file|../file|' -P file
	evil "dot-dot path" "leaves the tree"
	[ "$kind" = file ] || return 0
	tar -C "$e" -cf "$work/evil.tar" --transform 's|^file|/etc/file|' -P file
	evil "absolute path" "absolute"
	tar -C "$e" -cf "$work/evil.tar" --transform 's|^file|link/file|' \
		link file
	evil "path through a link" "link"
	tar -C "$e" -cf "$work/evil.tar" file file
	evil "two of a name" "there already"
	tar -C "$e" -cf "$work/evil.tar" --transform 's|^file|no/dir/file|' file
	evil "file before its directory" "before its directory"
	mkdir -p "$e/etc/ssh"
	echo key >"$e/etc/ssh/ssh_host_ed25519_key"
	tar -C "$e" -cf "$work/evil.tar" etc
	evil "SSH host key" "host keys"
	tar -cf "$work/evil.tar" -T /dev/null
	evil "empty" "empty"
	head -c 50000 /dev/urandom >"$work/evil.tar"
	evil "noise" "corrupt archive"
	head -c 100000 "$work/root.tar" >"$work/evil.tar"
	evil "cut short" "root.tar"
	ln "$e/file" "$e/other"
	tar -C "$e" -cf "$work/evil.tar" file other
	tar -f "$work/evil.tar" --delete file
	evil "hard link to nothing" "link to nothing"
}

# A path in the image that would lead elsewhere if anybody followed it.
test_links_in_image()
{
	mkdir -p "$work/victim" "$work/l/etc" "$work/l/root"
	ln -s "$work/victim" "$work/l/root/.ssh"
	ln -s "$work/victim/hostname" "$work/l/etc/hostname"
	printf 'admin:x:1:1::/home/admin:/bin/sh\n' >"$work/l/etc/passwd"
	tar -C "$work/l" -cf "$work/pkg/root.tar" .
	manifest links 1.0 32 >"$work/pkg/manifest"
	pack
	check "import with links" disk import "$work/p.tar.zst"
	check "create with links" disk create 20 links 1.0 32
	refuse "a link as directory is not followed" ELOOP "symbolic link" \
		disk customize 20 web1 root "key
"
	equal "nothing was written outside" "" "$(ls "$work/victim")"
	check "remove with links" disk remove 20
	check "remove template with links" disk template-remove links 1.0
}

# bad NAME ERRNO PATTERN: import of $work/p.tar.zst is refused, no trace
bad()
{
	before=$(traces)
	refuse "package: $1" "$2" "$3" disk import "$work/p.tar.zst"
	equal "package: $1: no trace" "$before" "$(traces)"
}

# flip OFFSET: one bit of the archive
flip()
{
	pack
	byte=$(od -An -tu1 -j "$1" -N 1 "$work/p.tar.zst" | tr -d ' ')
	# shellcheck disable=SC2059 # the format is the byte
	printf "\\$(printf '%03o' $((byte ^ 1)))" |
		dd of="$work/p.tar.zst" bs=1 seek="$1" conv=notrunc 2>/dev/null
}

test_bad_packages()
{
	fresh_pkg
	manifest bad 1.0 32 >"$work/pkg/manifest"
	pack
	size=$(stat -c %s "$work/p.tar.zst")
	for at in 0 100 $((size / 3)) $((size / 2)) $((size - 1)); do
		flip "$at"
		bad "bit flipped at $at of $size" EINVAL "corrupt archive"
	done
	for len in 0 3 1000 $((size / 2)) $((size - 1)); do
		pack
		truncate -s "$len" "$work/p.tar.zst"
		bad "cut to $len of $size" EINVAL "corrupt archive"
	done
	head -c 100000 /dev/urandom >"$work/p.tar.zst"
	bad "noise" EINVAL "corrupt archive"
	head -c 100000 /dev/urandom | zstd -q -f -o "$work/p.tar.zst"
	bad "noise in zstd" EINVAL "corrupt archive"
	tar -C "$work/pkg" -cf "$work/p.tar.zst" .
	bad "not compressed" EINVAL "corrupt archive"
	refuse "package: a folder" EINVAL "is no file" disk import "$work"
	mkfifo "$work/pipe"
	refuse "package: a pipe" EINVAL "is no file" disk import "$work/pipe"
	rm "$work/p.tar.zst"
	bad "no such file" ENOENT "No such file"

	for member in manifest kernel root.tar; do
		fresh_pkg
		rm "$work/pkg/$member"
		pack
		bad "without $member" EINVAL "no member $member"
	done
	fresh_pkg
	rm "$work/pkg/initrd"
	manifest bad 1.0 32 >"$work/pkg/manifest"
	pack
	bad "without initrd" EINVAL "initrd"
	fresh_pkg
	echo x >"$work/pkg/extra"
	pack
	bad "with an unknown member" EINVAL "unexpected member 'extra'"
	fresh_pkg
	rm "$work/pkg/kernel"
	ln -s /etc/shadow "$work/pkg/kernel"
	pack
	bad "kernel is a link" EINVAL "not a plain file"
	fresh_pkg
	echo no >"$work/pkg/kernel"
	pack
	bad "kernel is no kernel" EINVAL "neither ELF nor bzImage"
	fresh_pkg
	manifest bad 1.0 8 >"$work/pkg/manifest"
	pack
	bad "root does not fit its min_disk_mib" ENOSPC "full"
	fresh_pkg
	truncate -s 33M "$work/pkg/root.img"
	rm "$work/pkg/root.tar"
	manifest bad 1.0 32 >"$work/pkg/manifest"
	pack
	bad "root.img larger than min_disk_mib" EINVAL "larger than min_disk"
	truncate -s 32M "$work/pkg/root.img"
	pack
	bad "root.img of zeros" EIO ""
	cp "$work/root.tar" "$work/pkg/root.tar"
	pack
	bad "both root.tar and root.img" EINVAL "both"
}

# wrong LINE PATTERN: manifest with LINE instead of that key's own
wrong()
{
	manifest m 1.0 32 | sed "/^${1%%=*}=/d" >"$work/m"
	[ "$1" = "${1%%=*}=" ] || printf '%s\n' "$1" >>"$work/m"
	refuse "manifest: '$1'" EINVAL "$2" disk manifest "$work/m"
}

test_manifest()
{
	manifest m 1.0 32 >"$work/m"
	check "manifest: good" disk manifest "$work/m"
	wrong "format=" "no format"
	wrong "format=2" "format must be 1"
	wrong "name=" "no name"
	wrong "name=../../etc" "name must be"
	wrong "name=A" "name must be"
	wrong "name=2024" "name must be"
	wrong "name=-a" "name must be"
	wrong "version=1-0" "version must be"
	wrong "version=.." "version must be"
	wrong "arch=arm64" "arch must be amd64"
	wrong "min_disk_mib=0" "min_disk_mib must be"
	wrong "min_disk_mib=-5" "min_disk_mib must be"
	wrong "min_disk_mib=99999999999999999999" "min_disk_mib must be"
	wrong "min_disk_mib=12x" "min_disk_mib must be"
	wrong "min_ram_mib=" "no min_ram_mib"
	wrong "kernel=/boot/vmlinuz" "kernel must be kernel"
	wrong "default_user=Root" "default_user must be"
	wrong "nonsense=1" "unknown key 'nonsense'"
	wrong "just words" "not key=value"
	wrong "cmdline=$(printf 'a\001b')" "cmdline must be"
	manifest m 1.0 32 >"$work/m"
	echo name=again >>"$work/m"
	refuse "manifest: key twice" EINVAL "given twice" disk manifest "$work/m"
	printf 'name=a\0b\n' >"$work/m"
	refuse "manifest: NUL byte" EINVAL "NUL" disk manifest "$work/m"
}
