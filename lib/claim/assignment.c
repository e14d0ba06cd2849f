/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See assignment.h. */

#include "assignment.h"

#include "base/common.h"
#include "base/error.h"
#include "device/inventory.h"
#include "domain/domxml.h"

#include <errno.h>
#include <string.h>

void vfa_arrivals_clear(struct vfa_arrivals *arrivals)
{
    for (size_t i = 0; i < arrivals->n; i++) {
        free(arrivals->items[i].request);
        vfa_device_clear(&arrivals->items[i].device);
    }
    free(arrivals->items);
    *arrivals = (struct vfa_arrivals){NULL, 0};
}

const struct vfa_arrival *vfa_arrivals_find(const struct vfa_arrivals *arrivals,
                                            const char *request)
{
    for (size_t i = 0; i < arrivals->n; i++) {
        if (strcmp(arrivals->items[i].request, request) == 0)
            return &arrivals->items[i];
    }
    return NULL;
}

int vfa_arrivals_add(struct vfa_arrivals *arrivals, const char *request, struct vfa_device *device,
                     bool moved, struct vfa_error *err)
{
    struct vfa_arrival *more = realloc(arrivals->items, (arrivals->n + 1) * sizeof(*more));
    char *name = more ? strdup(request) : NULL;

    if (more)
        arrivals->items = more;
    if (!name)
        return vfa_fail_oom(err);
    more[arrivals->n++] = (struct vfa_arrival){.request = name, .device = *device, .moved = moved};
    *device = (struct vfa_device){0};
    return 0;
}

int vfa_arrivals_fill(const struct vfa_arrivals *arrivals, const char *xml, size_t len, char **ret,
                      struct vfa_error *err)
{
    VFA_AUTO(vfa_freep)
    struct vfa_domxml_source *sources = calloc(arrivals->n + 1, sizeof(*sources));
    size_t n = 0;

    if (!sources)
        return vfa_fail_oom(err);
    for (size_t i = 0; i < arrivals->n; i++) {
        const struct vfa_arrival *arrival = &arrivals->items[i];

        if (arrival->moved)
            sources[n++] = (struct vfa_domxml_source){arrival->request, &arrival->device};
    }
    return vfa_domxml_fill(xml, len, sources, n, ret, err);
}
