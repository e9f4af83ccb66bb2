/* Any octets as the state of a cluster on disk, behind its checksum. What is taken is written again as what can be taken. */
#include "fuzz.h"

#include "base/epoch.h"
#include "base/hash.h"
#include "plugins/kubernetes/decode.h"
#include "plugins/kubernetes/encode.h"
#include "plugins/kubernetes/state.h"

static void into_text(void *owner, struct view octets)
{
	text_add(owner, octets);
}

static bool pass_over(void *owner, enum kube_event event, const struct kube_object *o)
{
	return true;
}

static bool no_status(void *owner, const struct kube_status *s)
{
	return false;
}

/* Each kind's items, encoded anew, are a list that decodes. */
static void must_decode(const struct kube_cluster *c, enum kube_kind kind)
{
	char room[KUBE_LIST_HEAD_MAX];
	struct text items = { 0 };
	struct kube_encoder e = { .write = into_text, .owner = &items };
	struct kube_reader reader = { pass_over, no_status, NULL };
	kube_encode_items(&e, c, kind);
	kube_encoder_end(&e);
	MUST(e.written == items.length);
	struct kube_decoder *d = kube_decoder_new(KUBE_PROTOBUF, kind, false, &reader);
	MUST(kube_decoder_feed(d, kube_list_head(room, items.length)));
	MUST(kube_decoder_feed(d, text_view(&items)));
	MUST(kube_decoder_complete(d));
	kube_decoder_free(d);
	text_free(&items);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct kube_keeping keeping = { .pod_names = true, .zones = true, .labels = true };
	static const struct kube_state_owner owner = { "", (1u << KUBE_KINDS) - 1 };
	const char *why = NULL;
	hash_init();
	struct kube_index *x = kube_index_new(&keeping);
	bool taken = kube_state_take((struct view){ (const char *)data, size }, &owner, x, &why);
	MUST(taken || why);
	kube_index_publish(x, 1);
	MUST(kube_index_cluster(x)->listed == (taken ? owner.watched : 0));
	for (unsigned kind = 0; kind < KUBE_KINDS; kind++)
		must_decode(kube_index_cluster(x), (enum kube_kind)kind);
	kube_index_free(x);
	epoch_drain();
	return 0;
}
