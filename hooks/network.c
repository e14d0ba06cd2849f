/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Prefilter of the libvirt network hook, installed as hooks/network.d/vfalias. libvirt runs it for
 * every start and stop of a network, and for every port that is created or deleted, those of
 * bridges included.
 *
 * It hands only ports with a PCI device of the host (networks with <forward mode='hostdev'>) to the
 * handler, network-asked, and links only the C library.
 *
 * A failure of vfalias never stops a network: the handler runs as a child, and only its refusal
 * counts.
 *
 * Calling convention: https://libvirt.org/hooks.html; ports: libvirt's networkport.rng.
 */

#include "base/common.h"
#include "base/io.h"
#include "handoff.h"

#include <string.h>
#include <syslog.h>

#define HANDLER PKGLIBEXECDIR "/network-asked"
#define REFUSED 1

/* <plug type='hostdev-pci'> of a port. */
static const char *const device_markers[] = {"hostdev-pci"};

static bool is_port_operation(const char *op)
{
    return strcmp(op, "port-created") == 0 || strcmp(op, "port-deleted") == 0;
}

static int hand_over(char **argv, const struct vfa_io_data *in)
{
    int r = vfa_handoff_rewind_stdin(in);

    return r < 0 ? r : vfa_handoff_run(HANDLER, argv);
}

int main(int argc, char **argv)
{
    VFA_AUTO(vfa_io_data_clear) struct vfa_io_data in = {NULL, 0};
    int r;

    if (argc < 4) {
        fprintf(stderr,
                "vfalias: cannot run as a hook: usage: NETWORK OPERATION SUBOPERATION EXTRA\n");
        return 2;
    }
    r = vfa_io_read_all(STDIN_FILENO, VFA_IO_XML_MAX, &in);
    if (!is_port_operation(argv[2]) ||
        (r == 0 && !vfa_handoff_has_marker(&in, device_markers, ARRAY_SIZE(device_markers))))
        return 0;
    if (r == 0)
        r = hand_over(argv, &in);
    if (r == REFUSED)
        return 1;
    if (r != 0)
        syslog(LOG_DAEMON | LOG_WARNING, "cannot examine a port of network '%s': %s", argv[1],
               r < 0 ? strerror(-r) : "its examination failed");
    return 0;
}
