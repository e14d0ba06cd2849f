# SPDX-License-Identifier: LGPL-2.1-or-later
# Puts man/synopsis.txt (variable `synopsis`) into a manual page: @SYNOPSIS@ is all of it, @SYNOPSIS VERB@ what belongs to
# a verb. A line such as "B<--tag> I<KEY=VALUE>" becomes an =item: see man/help.awk.

BEGIN {
    while ((getline line <synopsis) > 0)
        lines[++n] = line
}

function lines_of(verb,    i, on, line, head) {
    for (i = 1; i <= n; i++) {
        line = lines[i]
        if (line !~ /^ /) {
            head = line " "
            sub(/^vfalias \[OPTION\]\.\.\. /, "", head)
            sub(/\[list\]/, "list", head)
            on = index(head, verb " ") == 1
        }
        sub(/\[OPTION\]\.\.\. /, "", line)
        sub(/^            /, "", line)
        if (on)
            print "    " line
    }
}

/^@SYNOPSIS@$/ {
    for (i = 1; i <= n; i++)
        print lines[i] ? "    " lines[i] : ""
    next
}
/^@SYNOPSIS .*@$/ { lines_of(substr($0, 11, length($0) - 11)); next }
/^B<--[a-z0-9-]+>( [BI]<[^<>]*>([|][BI]<[^<>]*>)*)?$/ && !last { print "=item " $0; next }
{ print; last = $0 }
