/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See rehearsal.h. libvirt's message about a failed hook ends with the hook's output, after the
 * command and its exit status (libvirt 9 to 11). */

#include "rehearsal.h"

#include "base/common.h"
#include "base/error.h"
#include "domain/domain.h"
#include "domain/domxml.h"
#include "claim/incoming.h"

#include <errno.h>
#include <libvirt/virterror.h>
#include <string.h>

#define OURS "vfalias: "

static char *first_line(const char *text)
{
    return strndup(text, strcspn(text, "\n"));
}

char *vfa_rehearsal_parse(const char *message, const char *domain, char **ret_refusal)
{
    VFA_AUTO(vfa_freep) char *start = NULL;
    const char *line = strstr(message, ": " OURS);

    *ret_refusal = NULL;
    if (asprintf(&start, "domain '%s': " VFA_REHEARSED, domain) < 0) {
        start = NULL;
        return NULL;
    }
    if (!line) {
        *ret_refusal = first_line(message);
        return NULL;
    }
    line += strlen(": " OURS);
    if (strncmp(line, start, strlen(start)) == 0)
        return first_line(line + strlen(start));
    *ret_refusal = first_line(line);
    return NULL;
}

char *vfa_rehearsal_device(const char *answer, const char *request)
{
    VFA_AUTO(vfa_freep) char *words = NULL;
    int len = asprintf(&words, "%s gets ", request);

    if (len < 0) {
        words = NULL;
        return NULL;
    }
    for (const char *at = answer; (at = strstr(at, words)); at++) {
        if (at == answer || at[-1] == ' ')
            return strndup(at + len, strcspn(at + len, ","));
    }
    return NULL;
}

/* The domain has started: no hook of vfalias has refused it. Ends it. */
static int fail_unanswered(virDomainPtr domain, const char *uri, struct vfa_error *err)
{
    virDomainDestroy(domain);
    virDomainFree(domain);
    return vfa_fail(err, EBUSY,
                    "nothing answers for vfalias at '%s': is it installed there, and was libvirt's "
                    "daemon reloaded since?",
                    uri);
}

static int read_answer(const struct vfa_domain *domain, char **ret, struct vfa_error *err)
{
    VFA_AUTO(vfa_freep) char *refusal = NULL;
    const char *message = virGetLastErrorMessage();

    *ret = vfa_rehearsal_parse(message, domain->name, &refusal);
    if (*ret)
        return 0;
    return refusal ? vfa_fail(err, EBUSY, "the destination refuses: %s", refusal)
                   : vfa_fail_oom(err);
}

int vfa_rehearse(virConnectPtr conn, const char *xml, const struct vfa_domain *domain,
                 enum vfa_rehearsal kind, char **ret, struct vfa_error *err)
{
    VFA_AUTO(vfa_freep) char *rehearsal = NULL;
    VFA_AUTO(vfa_freep) char *uri = virConnectGetURI(conn);
    int r = vfa_domxml_rehearsal(xml, strlen(xml), kind, &rehearsal, err);
    virDomainPtr started;

    if (r < 0)
        return r;
    started =
        virDomainCreateXML(conn, rehearsal, VIR_DOMAIN_START_PAUSED | VIR_DOMAIN_START_AUTODESTROY);
    return started ? fail_unanswered(started, uri ? uri : "", err) : read_answer(domain, ret, err);
}
