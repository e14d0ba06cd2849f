# SPDX-License-Identifier: LGPL-2.1-or-later
# Writes what `vfalias VERB --help` says, as initializers of an array of C: {"VERB", "TEXT"}, from man/vfalias.pod.
# In section VERBS, a =head2 is a verb and the paragraph below it says what the verb does. A paragraph such as "B<--tag>
# I<KEY=VALUE>" is an option, and the paragraph below it is the option's line of the help. (man/expand.awk makes an =item of
# it; podchecker warns of items that several verbs have.)

function plain(text) {
    while (text ~ /[BCFI]<[^<>]*>/) {
        match(text, /[BCFI]<[^<>]*>/)
        text = substr(text, 1, RSTART - 1) substr(text, RSTART + 2, RLENGTH - 3) substr(text, RSTART + RLENGTH)
    }
    while (match(text, /L<[^<>]*>/))
        text = substr(text, 1, RSTART - 1) substr(text, RSTART + 2, RLENGTH - 3) substr(text, RSTART + RLENGTH)
    gsub(/E<gt>/, ">", text)
    gsub(/E<lt>/, "<", text)
    return text
}

function c_string(text) {
    gsub(/\\/, "\\\\", text)
    gsub(/"/, "\\\"", text)
    return "\"" text "\\n\""
}

function option(name, text) {
    names[++n] = name
    texts[n] = text
    if (length(name) > width)
        width = length(name)
}

function end_verb(    i) {
    if (!verb)
        return
    option("-h, --help", "Prints this help.")
    print "{\"" verb "\","
    print "  " c_string(summary) " \"\\n\""
    for (i = 1; i <= n; i++)
        print "  " c_string(sprintf("  %-" width "s  %s", names[i], texts[i]))
    print "},"
    verb = ""
}

# A paragraph is whole.
function end_paragraph() {
    if (verb && text ~ /^B<--[a-z0-9-]+>( [BI]<[^<>]*>([|][BI]<[^<>]*>)*)?$/)
        name = plain(text)
    else if (verb && name) {
        option(name, plain(text))
        name = ""
    } else if (verb && !summary)
        summary = plain(text)
    text = ""
}

/^=head1 / { end_verb(); verbs = $2 == "VERBS" }
/^=head2 / && verbs { end_verb(); verb = substr($0, 8); summary = ""; name = ""; n = 0; width = 0; next }
/^$/ { if (text) end_paragraph(); next }
{ text = text (text ? " " : "") $0 }
END { end_verb() }
