/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * LD_PRELOAD library between vfaliasd and libvirt's test driver (test:///FILE). It records each
 * call, and makes calls hang, fail or give another answer. The test driver has domains, states and
 * events; the library adds jobs and hot-plug.
 *
 * VFA_SHIM names a folder with
 *   calls    the calls, one a line: SECONDS CPU-SECONDS THREAD FUNCTION DOMAIN DETAIL
 *   rules    commands that are run at the start
 *   control  a FIFO for commands, one a line; each is answered by a line "did" in calls
 *
 * Commands (tests/shim/shimhost.py writes them):
 *   rule FUNCTION DOMAIN ACTION [ARG [ARG]]   DOMAIN may be *, and is - for calls without a domain.
 *                                             The newest rule is tried first.
 *     hang          waits until another rule or no rule applies, then does what that says
 *     slow SECONDS  waits so long, then does the same
 *     fail CODE     fails with this code of libvirt (virterror.h)
 *     say N [N]     virDomainGetState: state and reason; virDomainGetJobInfo, virDomainGetJobStats:
 *                   type of job and operation; virDomainGetControlInfo: state and
 *                   for how many ms; virDomainDetachDeviceAlias: the guest keeps the device
 *   drop FUNCTION DOMAIN                      drops all of these rules
 *   create|destroy|suspend|resume|undefine DOMAIN, metadata DOMAIN XML, rename DOMAIN NAME,
 *   snapshot|revert DOMAIN NAME               does what another client of libvirt may do
 *   define - XML                              likewise
 *   device DOMAIN XML                         adds to the live XML until the domain stops
 *   event DOMAIN EVENT DETAIL                 sends a lifecycle event
 *   close REASON                              reports to the connections that they are closed
 *
 * All connections are one connection, as all connections to one libvirtd are. shim_lock guards all
 * data of the library. No function of libvirt is called while it is locked, except to open this
 * connection.
 */
#ifndef SHIM_H
#define SHIM_H

#define _GNU_SOURCE
#include <dlfcn.h>
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REAL(name)     ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define SHIM_NAME_SIZE 64
#define SHIM_LINE_SIZE 4096

struct rule {
    struct rule *next;
    char function[SHIM_NAME_SIZE], domain[SHIM_NAME_SIZE], action[SHIM_NAME_SIZE];
    double args[2];
};

extern pthread_mutex_t shim_lock;

/* ---- shim-rules.c ---- */
/* Opens the file "calls". Call it first. */
void shim_open_calls(const char *folder);
void shim_note(const char *function, const char *domain, const char *detail);

void shim_add_rule(const char *text);
void shim_drop_rules(const char *function, const char *domain);

/* Each call of libvirt begins with shim_begin(). False: the call must fail, and libvirt's error is
 * set. *ret: the rule for the call, or an empty rule. Reads the domain's name here, because that
 * resets libvirt's error. */
bool shim_begin(const char *function, virDomainPtr domain, struct rule *ret);
bool shim_says(const struct rule *rule);

void shim_fail(int code); /* sets libvirt's error */

/* ---- shim-connection.c ---- */
/* The connection that all callers share; NULL: not open yet. */
virConnectPtr shim_connection(void);

/* Send an event in the event loop, soon. */
void shim_send_lifecycle(virDomainPtr domain, int event, int detail);
void shim_send_device(int id, virDomainPtr domain, const char *alias);
void shim_send_close(int reason);

/* ---- shim-domains.c ---- */
/* Adds a device to the live XML. */
void shim_add_device(virDomainPtr domain, const char *xml);

/* Destroys the domain without a rule and without a record. */
int shim_destroy(virDomainPtr domain);

#endif
