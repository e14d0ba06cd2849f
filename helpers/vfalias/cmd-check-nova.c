/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * vfalias check --nova FILE: which options of a nova.conf mean the same to vfalias. vfalias' own
 * configuration is not read.
 */

#include "cmd-check-nova.h"

#include "base/common.h"
#include "base/error.h"
#include "config/nova-report.h"
#include "config/nova.h"
#include "cmd.h"
#include "json-out.h"

#include <errno.h>

static int print_nova_json(const char *path, const struct vfa_nova_report *report)
{
    bool oom = false;
    struct json_object *array = vfa_json_make_array(&oom);

    for (size_t i = 0; i < report->n; i++) {
        const struct vfa_nova_finding *finding = &report->items[i];
        struct json_object *object = vfa_json_make_object(&oom);

        vfa_json_set_text(&oom, object, "file", path);
        vfa_json_set_number(&oom, object, "line", finding->line);
        vfa_json_set_text(&oom, object, "what", finding->what);
        vfa_json_set_text(&oom, object, "verdict", vfa_nova_verdict_name(finding->verdict));
        vfa_json_set_text(&oom, object, "reason", finding->reason);
        vfa_json_push(&oom, array, object);
    }
    return vfa_json_print(oom, array);
}

static void print_nova_lines(const char *path, const struct vfa_nova_report *report,
                             const size_t counts[VFA_NOVA_VERDICTS])
{
    static const char *const texts[VFA_NOVA_VERDICTS] = {
        [VFA_NOVA_SAME] = "carries over",
        [VFA_NOVA_DIFFERS] = "means something else",
        [VFA_NOVA_LOST] = "does not carry over",
    };

    for (size_t i = 0; i < report->n; i++) {
        const struct vfa_nova_finding *finding = &report->items[i];

        printf("%s:%u: %s: %s%s%s\n", path, finding->line, finding->what, texts[finding->verdict],
               finding->reason ? ": " : "", finding->reason ? finding->reason : "");
    }
    printf("%zu the same, %zu different, %zu lost\n", counts[VFA_NOVA_SAME],
           counts[VFA_NOVA_DIFFERS], counts[VFA_NOVA_LOST]);
}

int vfa_check_nova(const char *path, bool json)
{
    VFA_AUTO(vfa_error_clear) struct vfa_error err = VFA_ERROR_INIT;
    VFA_AUTO(vfa_nova_report_clear) struct vfa_nova_report report = {NULL, 0};
    size_t counts[VFA_NOVA_VERDICTS] = {0};
    int status = VFA_CMD_FINE;

    if (vfa_nova_check(path, &report, &err) < 0)
        return vfa_cmd_fail_usage("%s", vfa_error_text(&err));
    for (size_t i = 0; i < report.n; i++)
        counts[report.items[i].verdict]++;
    if (json)
        status = print_nova_json(path, &report);
    else
        print_nova_lines(path, &report, counts);
    return status == VFA_CMD_FINE && counts[VFA_NOVA_SAME] < report.n ? VFA_CMD_NO : status;
}
