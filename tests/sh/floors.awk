# SPDX-License-Identifier: LGPL-2.1-or-later
# awk -f tests/sh/floors.awk $(find lib hooks helpers -name '*.[ch]')
#
# A file includes headers of its own room by their bare names, and of rooms on lower floors by room and name, the system's
# last. private.h, and what ends so, stays in its room. Prints each line that does not; a room without files is an error, so
# that a move cannot leave this check without anything to look at.
BEGIN {
    n = split("lib/base 1 lib/device 2 lib/spec 3 lib/config 4 lib/domain 4 lib/state 5 lib/host 6 lib/choose 6 " \
              "lib/provision 7 lib/claim 8 hooks 9 helpers/shared 9 helpers/vfalias 10 helpers/vfaliasd 10 helpers/cleaner 10 " \
              "helpers/maker 10", word, " ")
    for (i = 1; i < n; i += 2) floor[word[i]] = word[i + 1]
}
FNR == 1 {
    room = FILENAME
    sub("/[^/]*$", "", room)
    if (!(room in floor)) {
        print FILENAME ": no room: " room
        bad = 1
    }
    seen[room]++
}
/^#include "[^"]*\/[^"]*\.h"/ {
    split($0, part, "\"")
    target = part[2]
    sub("/[^/]*$", "", target)
    if (!(target in floor)) target = "lib/" target
    if (!(target in floor) || floor[target] >= floor[room] || part[2] ~ /private\.h$/) {
        print FILENAME ":" FNR ": " $0
        bad = 1
    }
}
END {
    for (r in floor) {
        if (!seen[r]) {
            print "no file in " r
            bad = 1
        }
    }
    exit bad
}
