/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The libvirt network hook, first half: linked as hooks/network.d/vfalias, run for every start
 * and stop of a network and every port that comes and goes, of a bridge's as well.
 *
 * Only ports that have a host's PCI device (networks with <forward mode='hostdev'>) are handed to
 * the second half, network-asked.c. So this file links nothing but the C library.
 *
 * vfalias' own trouble never keeps a network from its work: the second half runs beside this
 * process, and nothing but its refusal counts.
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
