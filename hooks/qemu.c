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
 * A domain that asks for nothing is never kept from its work by vfalias' own trouble, though it may
 * have host devices of its own: then the second half runs beside this process, and nothing but its
 * refusal counts.
 *
 * Where libvirt reads stdout as XML, the second half's answer is taken whole or not at all.
 *
 * Calling convention: https://libvirt.org/hooks.html.
 */

#include "base/common.h"
#include "base/io.h"
#include "handoff.h"

#include <string.h>
#include <syslog.h>

#define HANDLER PKGLIBEXECDIR "/qemu-asked"
#define REFUSED 1

/* Words of a domain with requests, devices of ours or labelled ports; and of one with host devices
 * of any kind: a disk that is an NVMe drive is one too. A word that is there by chance, in a name
 * or a path, costs a closer look. */
static const char *const request_markers[] = {"urn:vfalias:1", "ua-vf-", "ua-slot-"};
static const char *const device_markers[] = {"hostdev", "type='nvme'", "type=\"nvme\""};

static int cannot_examine(char **argv, int error)
{
    fprintf(stderr, "vfalias: cannot examine domain '%s': %s\n", argv[1], strerror(error));
    return 1;
}

/* A start may be refused. */
static int veto(char **argv)
{
    return cannot_examine(argv, -vfa_handoff_exec(HANDLER, argv));
}

static int log_failure(char **argv, int r)
{
    syslog(LOG_DAEMON | LOG_WARNING, "cannot examine domain '%s': %s", argv[1],
           r < 0 ? strerror(-r) : "its examination failed");
    return 0;
}

/* Likewise, if another domain has one of its host devices. */
static int veto_if_refused(char **argv)
{
    int r = vfa_handoff_run(HANDLER, argv);

    if (r == 0 || r == REFUSED)
        return r;
    return log_failure(argv, r);
}

/* What it says is for the journal: a failing reconnect would cost the user the guest. */
static int notify_handler(char **argv)
{
    vfa_handoff_run(HANDLER, argv);
    return 0;
}

/* A migration may be refused, and its XML changed. */
static int filter(char **argv)
{
    VFA_AUTO(vfa_closep) int reply = -1;
    int r = vfa_handoff_capture(HANDLER, argv, &reply);

    if (r > 0)
        return 1; /* it has said why */
    if (r == 0)
        r = vfa_handoff_reply(reply);
    return r < 0 ? cannot_examine(argv, -r) : 0;
}

/* A restore may have its XML changed, but a failing one would cost the user the image: whatever
 * happens, the XML stays as it is then, and `prepare`, which follows, refuses. */
static int filter_if_possible(char **argv)
{
    VFA_AUTO(vfa_closep) int reply = -1;

    if (vfa_handoff_capture(HANDLER, argv, &reply) == 0)
        (void)vfa_handoff_reply(reply);
    return 0;
}

typedef int hand_over_fn(char **argv);

/* Operations in which the second half has something to do, and what becomes of its verdict. Host
 * devices of the domain's own stay what they are when it moves. */
static const struct operation {
    const char *name;
    hand_over_fn *with_requests; /* for a domain that may ask for something */
    hand_over_fn
        *with_devices; /* for one that has host devices at most; NULL: nothing is to be done */
    bool may_fail;     /* what asks */
} operations[] = {
    {"prepare", veto, veto_if_refused, true},
    {"migrate", filter, NULL, true},
    {"restore", filter_if_possible, NULL, false},
    {"release", notify_handler, notify_handler, false},
    {"reconnect", notify_handler, notify_handler, false},
    {"attach", notify_handler, notify_handler, false},
};

static const struct operation *find_operation(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(operations); i++) {
        if (strcmp(name, operations[i].name) == 0)
            return &operations[i];
    }
    return NULL;
}

int main(int argc, char **argv)
{
    VFA_AUTO(vfa_io_data_clear) struct vfa_io_data in = {NULL, 0};
    const struct operation *operation;
    hand_over_fn *hand_over;
    bool has_requests;
    int r;

    if (argc < 4) {
        fprintf(stderr,
                "vfalias: cannot run as a hook: usage: DOMAIN OPERATION SUBOPERATION EXTRA\n");
        return 2;
    }
    operation = find_operation(argv[2]);
    r = vfa_io_read_all(STDIN_FILENO, VFA_IO_XML_MAX, &in);
    if (!operation)
        return 0;
    has_requests =
        r < 0 || vfa_handoff_has_marker(&in, request_markers, ARRAY_SIZE(request_markers));
    if (!has_requests && !vfa_handoff_has_marker(&in, device_markers, ARRAY_SIZE(device_markers)))
        return 0;
    hand_over = has_requests ? operation->with_requests : operation->with_devices;
    if (!hand_over)
        return 0;
    if (r == 0)
        r = vfa_handoff_rewind_stdin(&in);
    if (r == 0)
        return hand_over(argv);
    return operation->may_fail && has_requests ? cannot_examine(argv, -r) : log_failure(argv, r);
}
