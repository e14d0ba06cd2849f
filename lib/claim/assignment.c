/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See assignment.h. */

#include "assignment.h"

#include "base/common.h"
#include "base/error.h"
#include "device/device.h"
#include "domain/domxml.h"

#include <errno.h>
#include <string.h>

void vfa_assignments_clear(struct vfa_assignments *assignments)
{
    for (size_t i = 0; i < assignments->n; i++) {
        free(assignments->items[i].request);
        vfa_device_clear(&assignments->items[i].device);
    }
    free(assignments->items);
    *assignments = (struct vfa_assignments){NULL, 0};
}

const struct vfa_assignment *vfa_assignments_find(const struct vfa_assignments *assignments,
                                                  const char *request)
{
    for (size_t i = 0; i < assignments->n; i++) {
        if (strcmp(assignments->items[i].request, request) == 0)
            return &assignments->items[i];
    }
    return NULL;
}

int vfa_assignments_add(struct vfa_assignments *assignments, struct vfa_assignment *assignment,
                        struct vfa_error *err)
{
    struct vfa_assignment *more = realloc(assignments->items, (assignments->n + 1) * sizeof(*more));
    char *name = more ? strdup(assignment->request) : NULL;

    if (more)
        assignments->items = more;
    if (!name)
        return vfa_fail_oom(err);
    more[assignments->n] = *assignment;
    more[assignments->n++].request = name;
    assignment->device = (struct vfa_device){0};
    return 0;
}

int vfa_assignments_fill(const struct vfa_assignments *assignments, const char *xml, size_t len,
                         char **ret, struct vfa_error *err)
{
    VFA_AUTO(vfa_freep)
    struct vfa_domxml_source *sources = calloc(assignments->n + 1, sizeof(*sources));
    size_t n = 0;

    if (!sources)
        return vfa_fail_oom(err);
    for (size_t i = 0; i < assignments->n; i++) {
        const struct vfa_assignment *arrival = &assignments->items[i];

        if (arrival->moved)
            sources[n++] =
                (struct vfa_domxml_source){arrival->request, &arrival->device, arrival->managed};
    }
    return vfa_domxml_fill(xml, len, sources, n, ret, err);
}
