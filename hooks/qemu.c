/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Prefilter of the libvirt qemu hook, installed as hooks/qemu.d/vfalias. libvirt runs it for every
 * start, stop and migration of every domain of the host.
 *
 * It reads stdin and looks for the few words without which a domain cannot concern vfalias. It
 * hands only domains with one of these words to the handler, qemu-asked, which knows XML and the
 * state. It links only the C library and must not know more than these words.
 *
 * A failure of vfalias never stops a domain without requests, even if the domain has host devices:
 * the handler then runs as a child, and only its refusal counts.
 *
 * Where libvirt reads stdout as XML, it gets the whole reply of the handler or nothing.
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

/* Words of a domain with requests, devices of requests or labelled ports; and of a domain with any
 * host devices, which include disks on NVMe drives, and vDPA devices: <interface type='vdpa'> and
 * <disk type='vhostvdpa'>. A word that occurs by chance, in a name or a path, only costs a run of the
 * handler. */
static const char *const request_markers[] = {"urn:vfalias:1", "ua-vf-", "ua-slot-"};
static const char *const device_markers[] = {"hostdev", "vdpa", "type='nvme'", "type=\"nvme\""};

static int cannot_examine(char **argv, int error)
{
    fprintf(stderr, "vfalias: cannot examine domain '%s': %s\n", argv[1], strerror(error));
    return 1;
}

/* The handler may refuse a start. */
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

/* The handler may refuse a start if another domain has one of the host devices. Every other failure
 * is logged only. */
static int veto_if_refused(char **argv)
{
    int r = vfa_handoff_run(HANDLER, argv);

    if (r == 0 || r == REFUSED)
        return r;
    return log_failure(argv, r);
}

/* Ignores the result of the handler: libvirt kills the guest after a failing reconnect. */
static int notify_handler(char **argv)
{
    vfa_handoff_run(HANDLER, argv);
    return 0;
}

/* The handler may refuse a migration, or change its XML. */
static int filter(char **argv)
{
    VFA_AUTO(vfa_closep) int reply = -1;
    int r = vfa_handoff_capture(HANDLER, argv, &reply);

    if (r > 0)
        return 1; /* the handler has written the reason to stderr */
    if (r == 0)
        r = vfa_handoff_reply(reply);
    return r < 0 ? cannot_examine(argv, -r) : 0;
}

/* The handler may change the XML of a restore. The hook never fails, since libvirt then deletes the
 * image: on a failure the XML stays as it is, and the `prepare` that follows refuses. */
static int filter_if_possible(char **argv)
{
    VFA_AUTO(vfa_closep) int reply = -1;

    if (vfa_handoff_capture(HANDLER, argv, &reply) == 0)
        (void)vfa_handoff_reply(reply);
    return 0;
}

typedef int hand_over_fn(char **argv);

/* Operations for which the handler is run, and what its result means. A domain without requests
 * keeps its host devices when it moves. */
static const struct operation {
    const char *name;
    hand_over_fn *with_requests; /* for a domain that may have requests */
    hand_over_fn *with_devices;  /* for a domain that has only host devices; NULL: no handler */
    bool may_fail;               /* the hook may fail for a domain that may have requests */
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
