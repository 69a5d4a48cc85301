#!/usr/bin/env bash
# Tries the Windows installer in wine: installs it, uses it, upgrades it, removes it, and prints a table.
#
#   packaging/windows/try_in_wine.sh dist/TandEM-0.1.0-setup.exe [SCRATCH]
#
# As root on Debian 12 or 13 with debootstrap and mingw-w64. A Debian 13 with wine is made in SCRATCH once (300 MB to
# download). What wine lacks is put into a copy of what was installed (wine_shims.py), never into what is shipped.
# Exit status 0 when every line is green.
set -u
setup=$(realpath "$1"); scratch=${2:-/tmp/tandem-wine}
here=$(dirname "$(realpath "$0")"); root=$scratch/root
prefix=$root/root/.wine; c=$prefix/drive_c; program='C:\Program ä 1\TandEM'; folder="$c/Program ä 1/TandEM"
python=${PYTHON:-python3}
table=""; failed=0

make_root() {
    if [ ! -e "$root/usr/lib/wine" ]; then # usr/bin/wine is a link that leads out of here
        mkdir -p "$scratch"
        debootstrap --variant=minbase trixie "$root" >"$scratch/debootstrap.log" || exit 1
        cp /etc/apt/apt.conf.d/* "$root/etc/apt/apt.conf.d/" 2>/dev/null
        chroot "$root" sh -c "apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -qy \
            --no-install-recommends wine64 wine xvfb fonts-dejavu" >"$scratch/apt.log" 2>&1 || exit 1
    fi
    for place in proc sys dev; do # without /sys no core is counted
        mountpoint -q "$root/$place" || mount --bind "/$place" "$root/$place"
    done
}
leave() {
    in_wine wineserver -k
    [ -z "${screen:-}" ] || kill "$screen"
    for place in proc sys dev; do umount "$root/$place"; done
}
in_wine() {
    chroot "$root" /usr/bin/env -i HOME=/root PATH=/usr/bin:/bin:/usr/sbin:/sbin LANG=C.UTF-8 WINEDEBUG=-all \
        WINEDLLOVERRIDES="mscoree,mshtml,winedbg.exe=" DISPLAY=:77 "$@"
}
tandem() { in_wine timeout 1200 wine "$program\\bin\\tandem.exe" "$@"; }
# NAME COMMAND…: one line of the table
line() {
    local name=$1 began=$(date +%s) word=ok; shift
    "$@" >"$scratch/last.log" 2>&1 || { word=FAILED; failed=1; tail -5 "$scratch/last.log" >&2; }
    cat "$scratch/last.log" >>"$scratch/all.log"
    table+=$(printf '%-7s %5d s  %s' "$word" $(($(date +%s) - began)) "$name")$'\n'
    echo "${table##*$'\n'}$(printf '%-7s %5d s  %s' "$word" $(($(date +%s) - began)) "$name")"
}
# NSIS takes /D= without quotes, blanks included: as words of their own they stay without
install() { in_wine timeout 1800 wine 'C:\setup.exe' /S '/D=C:\Program' 'ä' '1\TandEM' && test -f "$folder/TandEM.exe"; }
shim() { # wine_shims.py reads with CPython 3.11 or newer and needs mingw-w64
    "$python" "$here/wine_shims.py" "$folder" "$c/windows/system32"
}
key() { in_wine wine reg query "$1" >/dev/null 2>&1; }
selftest() { tandem selftest --shot 'C:\window.png' | tee "$scratch/selftest.txt"; test "${PIPESTATUS[0]}" = 0; }
demo() { tandem demo --no-window --frames 30 --size 256 -o 'C:\Daten ü\Probe 1.nxs' --force; }
opened_again() { tandem info 'C:\Daten ü\Probe 1.nxs' && tandem check 'C:\Daten ü\Probe 1.nxs'; }
picture() { tandem screenshot 'C:\Daten ü\Probe 1.nxs' -o 'C:\demo.png' && test -s "$c/demo.png"; }
python() { in_wine timeout 300 wine "$program\\runtime\\tandem-python.exe" "$@"; }
start_recording() { # a simulated log grows, a recording takes it; it goes on in the background
    rm -f "$c/Daten ü/SETUP.toml"
    python -m tandem_em.sources.simulators text >"$c/Daten ü/SETUP.toml" 2>/dev/null &
    for _ in $(seq 60); do [ -s "$c/Daten ü/SETUP.toml" ] && break; sleep 1; done
    tandem record --setup 'C:\Daten ü\SETUP.toml' -o 'C:\Daten ü\Aufnahme.nxs' >"$scratch/record.log" 2>&1 &
    for _ in $(seq 60); do [ -s "$c/Daten ü/Aufnahme.nxs" ] && break; sleep 1; done
    sleep 8
    [ -s "$c/Daten ü/Aufnahme.nxs" ]
}
writer() {
    python -c "import sys; from pathlib import Path; from tandem_em.storage.transaction.opening import who_writes
print(getattr(who_writes(Path(sys.argv[1])), 'sentence', str)())" "$1"
}
who_writes() { writer 'C:\Daten ü\Aufnahme.nxs' | grep "has it open since"; }
killed_and_recovered() {
    in_wine wine taskkill /F /IM tandem.exe
    in_wine wine taskkill /F /IM tandem-python.exe
    tandem info --json 'C:\Daten ü\Aufnahme.nxs' | tee "$scratch/recovered.json" && tandem check 'C:\Daten ü\Aufnahme.nxs'
    grep -Eq '"samples": [1-9]' "$scratch/recovered.json"
}
association() { # wine does not merge HKCU\Software\Classes into HKCR: the two keys are copied
    in_wine wine reg copy 'HKCU\Software\Classes\TandEM.Session' 'HKLM\Software\Classes\TandEM.Session' /s /f &&
        in_wine wine reg add 'HKLM\Software\Classes\.nxs' /ve /d TandEM.Session /f || return 1
    in_wine wine start 'C:\Daten ü\Probe 1.nxs' || return 1
    for _ in $(seq 60); do # it is open when its lock answers
        writer 'C:\Daten ü\Probe 1.nxs' | grep -q "has it open since" && return 0
        sleep 1
    done
    return 1
}
no_window() { in_wine wine taskkill /F /IM TandEM.exe; sleep 2; ! in_wine wine tasklist | grep -q TandEM.exe; }
upgrade() {
    touch "$folder/app/stale.py" "$folder/own.txt"
    install && test ! -e "$folder/app/stale.py" && test -e "$folder/own.txt"
}
uninstall() {
    rm -f "$folder/own.txt"
    in_wine timeout 600 wine "$program\\uninstall.exe" /S || return 1
    for _ in $(seq 100); do [ -e "$folder" ] || break; in_wine wineserver -w; done
    ! [ -e "$folder" ] && ! key 'HKCU\Software\Microsoft\Windows\CurrentVersion\Uninstall\TandEM' &&
        ! key 'HKCU\Software\Classes\TandEM.Session' && ! key 'HKCU\Software\TandEM' &&
        ! find "$c/users" -path '*Start Menu*' -name 'TandEM*' | grep -q . && test -s "$c/Daten ü/Probe 1.nxs"
}

make_root
trap leave EXIT
chroot "$root" /usr/bin/Xvfb :77 -screen 0 1600x1000x24 >/dev/null 2>&1 &
screen=$!
: >"$scratch/all.log"
rm -rf "$prefix"; in_wine wineboot -i >/dev/null 2>&1; in_wine wineserver -w
cp "$root"/usr/share/fonts/truetype/dejavu/*.ttf "$c/windows/Fonts/"
cp "$setup" "$c/setup.exe"; mkdir -p "$c/Daten ü"
line "silent installation into a path with a blank and ä" install
line "Add/Remove, Start menu, association are there" eval \
    "key 'HKCU\\Software\\Microsoft\\Windows\\CurrentVersion\\Uninstall\\TandEM' && key 'HKCU\\Software\\Classes\\TandEM.Session' && find '$c/users' -name 'TandEM demo.lnk' | grep -q ."
line "what wine lacks (test only)" shim
in_wine wineserver -k # whatever the installer had compiled in the background fails without it
line "version" eval "tandem --version | grep -q TandEM"
line "self-test" selftest
line "demo built" demo
line "session opened again and checked" opened_again
line "picture of the demo" picture
line "recording of a growing log" start_recording
line "a second program learns who writes" who_writes
line "recording killed by taskkill, opened and sound" killed_and_recovered
line "opened by its association" association
line "window ended by taskkill" no_window
line "upgrade removes what is stale, keeps what is not ours" upgrade
line "uninstalled without a trace, sessions kept" uninstall
echo; echo "$(basename "$setup"), $(($(stat -c %s "$setup") / 1000000)) MB, $(date -I), $(in_wine wine --version)"; printf '%s' "$table"
exit $failed
