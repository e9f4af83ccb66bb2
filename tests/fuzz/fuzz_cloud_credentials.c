/* Any octets as a credential file of Google, a file of an Azure cloud, an answer of a token service. */
#include "fuzz.h"

#include "sync/azure.h"
#include "sync/google_account.h"
#include "sync/token_answer.h"

static void read_account(struct arena *arena, struct view text)
{
	struct google_account a;
	const char *why = NULL;
	if (!google_account_read(&a, arena, text, &why)) {
		MUST(why && *why);
		return;
	}
	MUST(a.delegate_count <= GOOGLE_DELEGATES_MAX);
	MUST(!a.subject.headers[GOOGLE_HEADERS_MAX]);
	MUST((a.kind == GOOGLE_IMPERSONATED) == (a.source != NULL));
	MUST(a.kind != GOOGLE_SERVICE_ACCOUNT || (a.key.length && a.token_url.length));
}

static void read_answer(struct arena *arena, struct view text)
{
	struct bearer_grant grant = { 0 };
	if (!token_read(arena, text, 1000, &grant))
		return;
	MUST(grant.token.length && grant.lifetime);
	for (size_t i = 0; i < grant.token.length; i++)
		MUST(grant.token.at[i] > ' ' && grant.token.at[i] <= '~');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new(4096);
	struct view text = { (const char *)data, size };
	struct azure_environment e;
	const char *why = NULL;
	read_account(arena, text);
	read_answer(arena, text);
	MUST(azure_environment_read(&e, arena, text, &why) || why);
	arena_free(arena);
	return 0;
}
