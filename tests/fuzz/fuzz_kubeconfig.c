/* Any octets as a kubeconfig, and as what a command for credentials prints. */
#include "fuzz.h"

#include "plugins/kubernetes/access.h"
#include "sync/yaml.h"
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

static void as_kubeconfig(struct arena *arena, struct view text, struct view context)
{
	char path[64];
	int fd = memfd_create("kubeconfig", 0);
	MUST(fd >= 0 && write(fd, text.at, text.length) == (ssize_t)text.length);
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	struct kube_access access = { 0 };
	const char *why = NULL;
	bool read = kube_access_kubeconfig(&access, arena, path, context, &why);
	MUST(read || why);
	if (read) {
		MUST(access.server_count == 1 && access.servers->url && access.servers->host);
		MUST(!access.exec || access.exec->argv[0]);
	}
	close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct kube_exec exec = { .api_version = "client.authentication.k8s.io/v1" };
	struct view text = { (const char *)data, size };
	struct arena *arena = arena_new(4096);
	struct kube_exec_credential credential;
	const char *why = NULL;
	as_kubeconfig(arena, text, VIEW(""));
	as_kubeconfig(arena, text, VIEW("c"));
	if (kube_exec_parse(arena, &exec, text, &credential, &why))
		MUST(credential.token.length || (credential.certificate.length && credential.key.length));
	else
		MUST(why);
	arena_free(arena);
	return 0;
}
