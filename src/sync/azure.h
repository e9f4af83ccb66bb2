/* Azure: its clouds, the ways to prove who we are, and access tokens for the resource manager. */
#ifndef ISTHMUS_SYNC_AZURE_H
#define ISTHMUS_SYNC_AZURE_H

#include "sync/bearer.h"
#include "sync/http.h"

/* One of Azure's clouds. URLs end with a slash. */
struct azure_environment {
	const char *login;   /* where tokens are given */
	const char *manager; /* the resource manager: the API, and what tokens are for */
};

/* The cloud of this name, in whatever case; empty: the public one. Texts are in the arena. False with *why in Azure's words. */
bool azure_environment_find(struct azure_environment *e, struct arena *arena, struct view name, const char **why);

/* The same for a file of AZURESTACKCLOUD. */
bool azure_environment_read(struct azure_environment *e, struct arena *arena, struct view text, const char **why);

enum azure_kind {
	AZURE_SECRET,      /* an application and its secret */
	AZURE_FEDERATED,   /* an application, for which a token file of another issuer (Kubernetes) speaks */
	AZURE_MACHINE,     /* the identity of this machine, by its metadata service */
	AZURE_APP_SERVICE, /* the same in App Service: MSI_ENDPOINT and MSI_SECRET */
	AZURE_CLOUD_SHELL, /* in Cloud Shell: MSI_ENDPOINT */
};

struct azure_credentials {
	struct azure_environment environment;
	const char *tenant, *client, *secret; /* as configured; NULL: not */

	/* by azure_credentials_find() */
	enum azure_kind kind;
	const char *login;      /* AZURE_FEDERATED: with a slash at its end */
	const char *token_file; /* AZURE_FEDERATED */
	const char *endpoint, *endpoint_secret; /* the last three kinds */
	bool machine_is_known;  /* its metadata service has answered once */

	/* for azure_fetch(), set before the first call */
	struct http_client *http;
	const _Atomic bool *stop;
};

/* Chooses the way that the configured texts and the environment's variables make possible. False with *why in Azure's words. */
bool azure_credentials_find(struct azure_credentials *c, struct arena *arena, const char **why);

/* A bearer_fetch for credentials. */
enum bearer_outcome azure_fetch(void *credentials, struct arena *arena, struct bearer_grant *grant, const char **why);

#endif
