/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Edits a <requests> element: an added request can be removed again. The first byte of the input
 * chooses the options. */

#include "base/common.h"
#include "base/error.h"
#include "device/vf-settings.h"
#include "spec/spec.h"
#include "domain/domxml.h"
#include "fuzz.h"

#define NAME "fuzz"

static void add_and_remove(const char *requests, const struct vfa_request_options *options)
{
    VFA_AUTO(vfa_freep) char *added = NULL;
    VFA_AUTO(vfa_freep) char *removed = NULL;
    VFA_AUTO(vfa_freep) char *again = NULL;
    const char *what = options->name && options->count == 1 ? options->name : NAME;

    if (vfa_domxml_requests_add(requests, NAME, options, &added, NULL) < 0)
        return;
    FUZZ_REQUIRE(vfa_domxml_requests_remove(added, what, &removed, NULL) == 0);
    FUZZ_REQUIRE(vfa_domxml_requests_add(removed, NAME, options, &again, NULL) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    VFA_AUTO(vfa_freep) char *text = fuzz_text(data, size);
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    VFA_AUTO(vfa_freep) char *edited = NULL;
    uint8_t choice = size ? data[0] : 0;
    static const struct vfa_request_interface interface = {.kind = VFA_ATTACH_INTERFACE,
                                                           .mac = "52:54:00:01:02:03",
                                                           .vlan = 42,
                                                           .persistent = "ua-pair"};
    static const struct vfa_vf_settings settings = {.given = 1u << VFA_VF_TRUST};
    const struct vfa_request_options options = {
        .name = choice & 1 ? "name" : NULL,
        .count = 1 + (choice >> 1 & 3),
        .optional = choice & 8,
        .late = choice & 8 && choice & 16,
        .numa_given = choice & 32,
        .numa = VFA_NUMA_SOCKET,
        .interface = choice & 64 ? &interface : NULL,
        .settings = choice & 128 ? &settings : NULL,
    };
    int r;

    if (size == 0)
        return 0;
    add_and_remove(text + 1, &options);
    add_and_remove(NULL, &options);
    r = vfa_domxml_requests_remove(text + 1, "a", &edited, &err);
    FUZZ_REQUIRE((r < 0) == (err.code != 0) && (r == 0 || !edited));
    return 0;
}
