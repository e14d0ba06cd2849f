/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The libvirt qemu hook, first half: installed as hooks/qemu.d/vfalias, run for every start, stop
 * and migration of every domain of the host.
 *
 * It reads stdin, looks for the few words without which a domain cannot concern vfalias, and ends;
 * only a domain that has one of them is handed to the second half (qemu-asked.c), which knows XML
 * and the state. So this file links nothing but the C library. It must not know more than these
 * words.
 *
 * Calling convention: https://libvirt.org/hooks.html.
 */
#include "second-half.h"

#include <string.h>

#define SECOND_HALF PKGLIBEXECDIR "/qemu-asked"

/* Words of a domain with requests, devices of ours, labelled ports, or host devices of any kind. */
static const char *const words[] = {"urn:vfalias:1", "ua-vf-", "ua-slot-", "hostdev"};

static bool may_veto(const char *op)
{
    return strcmp(op, "prepare") == 0;
}

/* Operations in which the second half has something to do. */
static bool is_work(const char *op)
{
    static const char *const work[] = {"prepare", "release", "reconnect", "attach"};

    for (size_t i = 0; i < ARRAY_SIZE(work); i++) {
        if (strcmp(op, work[i]) == 0)
            return true;
    }
    return false;
}

int main(int argc, char **argv)
{
    VFA_AUTO(vfa_input_clear) struct vfa_input in = {NULL, 0};
    int r;

    if (argc < 4) {
        fprintf(stderr,
                "vfalias: cannot run as a hook: usage: DOMAIN OPERATION SUBOPERATION EXTRA\n");
        return 2;
    }
    r = vfa_input_read(STDIN_FILENO, &in);
    if (r == 0 && (!is_work(argv[2]) || !vfa_input_has(&in, words, ARRAY_SIZE(words))))
        return 0;
    if (r == 0)
        r = vfa_second_half_feed(&in);
    if (!may_veto(argv[2])) {
        if (r == 0)
            vfa_second_half_run(SECOND_HALF, argv);
        return 0; /* a failing reconnect would cost the user the guest, a failing restore the image
                   */
    }
    if (r == 0)
        r = vfa_second_half_become(SECOND_HALF, argv);
    fprintf(stderr, "vfalias: cannot examine domain '%s': %s\n", argv[1], strerror(-r));
    return 1;
}
