/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Names of devices that are made for a request. They follow from the domain's UUID and the name of
 * the request, so they are the same at each start and on each host: a definition can hold them from
 * the first day, and a device that is left over is recognised although the state file was lost.
 *
 * Both come from one UUID of version 5 (RFC 9562, 5.5): of the name of the request, in a namespace
 * that is such a UUID itself, of the domain's UUID as text in lower case.
 */
#ifndef VFA_DEVICE_MADE_NAME_H
#define VFA_DEVICE_MADE_NAME_H

#include "base/common.h"
#include "base/uuid.h"
#include "device.h"

#define VFA_VDPA_PREFIX "vdpa:" /* of the identity of a vDPA device */
#define VFA_MDEV_PREFIX "mdev:" /* of the identity of a mediated device */

/* The name of a vDPA device, without prefix: "vfa" and 12 hexadecimal digits. */
#define VFA_MADE_VDPA_SIZE sizeof("vfa123456789abc")
char *vfa_made_vdpa_name(const char *uuid, const char *request, char buf[VFA_MADE_VDPA_SIZE]);

/* The UUID of a mediated device. */
char *vfa_made_uuid(const char *uuid, const char *request, char buf[VFA_UUID_SIZE]);

/* True if a device has one of these names: that of the request of this domain. */
bool vfa_made_is_name(const char *uuid, const char *request, const char *device);

/* True if a vDPA device may have its name from vfa_made_vdpa_name(). `name` is without prefix. */
bool vfa_made_is_pattern(const char *name);

/* For whom a device is made. All texts are borrowed. */
struct vfa_made_for {
    const char *uuid;    /* of the domain */
    const char *request; /* its name */
    const char *folder;  /* of the links to nodes: see vfa_made_folder() in host/host.h */
    const char *source;  /* what the element of the domain's XML names; NULL: nothing */
};

/* Whether a text can be an identity: printable ASCII without space, quote and backslash, short
 * enough for VFA_DEVICE_ID_SIZE. */
bool vfa_device_id_ok(const char *id);

#endif
