/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See made-name.h. */

#include "made-name.h"

#include "base/common.h"
#include "base/uuid.h"
#include "device.h"

#include <string.h>
#include <uuid/uuid.h>

/* UUID of version 4, made once: the namespace of vfalias. It never changes. */
static const unsigned char name_space[16] = {0x6a, 0x3f, 0x0e, 0x52, 0xd1, 0x9b, 0x4c, 0x77,
                                             0x8e, 0x24, 0x51, 0xc0, 0xa7, 0x3d, 0xf8, 0x16};

static void make_uuid(const char *uuid, const char *request, unsigned char ret[16])
{
    unsigned char of_domain[16];

    uuid_generate_sha1(of_domain, name_space, uuid, strlen(uuid));
    uuid_generate_sha1(ret, of_domain, request, strlen(request));
}

char *vfa_made_vdpa_name(const char *uuid, const char *request, char buf[VFA_MADE_VDPA_SIZE])
{
    unsigned char made[16];

    make_uuid(uuid, request, made);
    snprintf(buf, VFA_MADE_VDPA_SIZE, "vfa%02x%02x%02x%02x%02x%02x", made[0], made[1], made[2],
             made[3], made[4], made[5]);
    return buf;
}

char *vfa_made_uuid(const char *uuid, const char *request, char buf[VFA_UUID_SIZE])
{
    unsigned char made[16];

    make_uuid(uuid, request, made);
    uuid_unparse_lower(made, buf);
    return buf;
}

bool vfa_made_is_name(const char *uuid, const char *request, const char *device)
{
    char name[VFA_MADE_VDPA_SIZE], made[VFA_UUID_SIZE];

    if (strncmp(device, VFA_VDPA_PREFIX, strlen(VFA_VDPA_PREFIX)) == 0)
        return strcmp(device + strlen(VFA_VDPA_PREFIX), vfa_made_vdpa_name(uuid, request, name)) ==
               0;
    return strncmp(device, VFA_MDEV_PREFIX, strlen(VFA_MDEV_PREFIX)) == 0 &&
           strcmp(device + strlen(VFA_MDEV_PREFIX), vfa_made_uuid(uuid, request, made)) == 0;
}

bool vfa_made_is_pattern(const char *name)
{
    return strlen(name) == VFA_MADE_VDPA_SIZE - 1 && strncmp(name, "vfa", 3) == 0 &&
           strspn(name + 3, "0123456789abcdef") == VFA_MADE_VDPA_SIZE - 4;
}

bool vfa_device_id_ok(const char *id)
{
    for (const char *p = id; *p; p++) {
        if (*p <= ' ' || *p > '~' || *p == '"' || *p == '\'' || *p == '\\')
            return false;
    }
    return *id && strlen(id) < VFA_DEVICE_ID_SIZE;
}
