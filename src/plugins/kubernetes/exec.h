/*
 * Credentials that a command gives (kubeconfig's `exec`, client.authentication.k8s.io): how it is called, and what it prints. The
 * sandbox lets the server run nothing: the process of server/hooks.h does.
 */
#ifndef ISTHMUS_PLUGINS_KUBERNETES_EXEC_H
#define ISTHMUS_PLUGINS_KUBERNETES_EXEC_H

#include "base/arena.h"

struct yaml;

/* In an arena. */
struct kube_exec {
	const char *api_version;
	const char *const *argv;        /* ended by NULL */
	const char *const *environment; /* "NAME=VALUE", KUBERNETES_EXEC_INFO among them; ended by NULL */
	const char *install_hint;       /* said when the command is not there; NULL: none */
};

/* What a command is told of its cluster, if it asks for that. */
struct kube_exec_cluster {
	struct view server, name, authorities; /* URL, tls-server-name, authorities in base64; empty where there are none */
	bool insecure;
};

/* From the entry of a user. `command` is its path, NULL where none is given. NULL with *why (in the arena). */
const struct kube_exec *kube_exec_read(struct arena *arena, const struct yaml *exec, const char *command,
	const struct kube_exec_cluster *cluster, struct view user, const char **why);

/* What a command gave. */
struct kube_exec_credential {
	struct view token;            /* empty: none */
	struct view certificate, key; /* PEM; empty: none */
	int64_t expires;              /* Unix seconds; 0: not said */
};

/* Reads what it printed, into the arena. False with *why (in the arena). */
bool kube_exec_parse(struct arena *arena, const struct kube_exec *exec, struct view output,
	struct kube_exec_credential *to, const char **why);

/* Runs it, and reads what it prints. On a fiber of the control thread, which waits. False with *why (in the arena). */
bool kube_exec_run(struct arena *arena, const struct kube_exec *exec, struct kube_exec_credential *to,
	const char **why);

#endif
