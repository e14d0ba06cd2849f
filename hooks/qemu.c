/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The libvirt qemu hook, first half: linked as hooks/qemu.d/vfalias, run for every start, stop
 * and migration of every domain of the host.
 *
 * It reads stdin, looks for the few words without which a domain cannot concern vfalias, and ends;
 * only a domain that has one of them is handed to the second half (qemu-asked.c), which knows XML
 * and the state. So this file links nothing but the C library. It must not know more than these
 * words.
 *
 * Where libvirt reads stdout as XML, the second half's answer is taken whole or not at all.
 *
 * Calling convention: https://libvirt.org/hooks.html.
 */
#include "second-half.h"

#include <string.h>

#define SECOND_HALF PKGLIBEXECDIR "/qemu-asked"

/* Words of a domain with requests, devices of ours, labelled ports, or host devices of any kind: a
 * disk that is an NVMe drive is one too. */
static const char *const words[] = {"urn:vfalias:1", "ua-vf-",      "ua-slot-",
                                    "hostdev",       "type='nvme'", "type=\"nvme\""};

static int cannot_examine(char **argv, int error)
{
    fprintf(stderr, "vfalias: cannot examine domain '%s': %s\n", argv[1], strerror(error));
    return 1;
}

/* A start may be refused. */
static int veto(char **argv)
{
    return cannot_examine(argv, -vfa_second_half_become(SECOND_HALF, argv));
}

/* What it says is for the journal: a failing reconnect would cost the user the guest. */
static int note(char **argv)
{
    vfa_second_half_run(SECOND_HALF, argv);
    return 0;
}

/* A migration may be refused, and its XML changed. */
static int filter(char **argv)
{
    VFA_AUTO(vfa_closep) int answer = -1;
    int r = vfa_second_half_ask(SECOND_HALF, argv, &answer);

    if (r > 0)
        return 1; /* it has said why */
    if (r == 0)
        r = vfa_second_half_answer(answer);
    return r < 0 ? cannot_examine(argv, -r) : 0;
}

/* A restore may have its XML changed, but a failing one would cost the user the image: whatever
 * happens, the XML stays as it is then, and `prepare`, which follows, refuses. */
static int filter_if_possible(char **argv)
{
    VFA_AUTO(vfa_closep) int answer = -1;

    if (vfa_second_half_ask(SECOND_HALF, argv, &answer) == 0)
        (void)vfa_second_half_answer(answer);
    return 0;
}

/* Operations in which the second half has something to do, and what becomes of its verdict. */
static const struct operation {
    const char *name;
    int (*hand_over)(char **argv);
    bool may_fail;
} operations[] = {
    {"prepare", veto, true},  {"migrate", filter, true},  {"restore", filter_if_possible, false},
    {"release", note, false}, {"reconnect", note, false}, {"attach", note, false},
};

static const struct operation *find(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(operations); i++) {
        if (strcmp(name, operations[i].name) == 0)
            return &operations[i];
    }
    return NULL;
}

int main(int argc, char **argv)
{
    VFA_AUTO(vfa_input_clear) struct vfa_input in = {NULL, 0};
    const struct operation *operation;
    int r;

    if (argc < 4) {
        fprintf(stderr,
                "vfalias: cannot run as a hook: usage: DOMAIN OPERATION SUBOPERATION EXTRA\n");
        return 2;
    }
    operation = find(argv[2]);
    r = vfa_input_read(STDIN_FILENO, &in);
    if (!operation || (r == 0 && !vfa_input_has(&in, words, ARRAY_SIZE(words))))
        return 0;
    if (r == 0)
        r = vfa_second_half_feed(&in);
    if (r == 0)
        return operation->hand_over(argv);
    return operation->may_fail ? cannot_examine(argv, -r) : 0;
}
