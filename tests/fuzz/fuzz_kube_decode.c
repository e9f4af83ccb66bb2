/* Any octets as the answer of a Kubernetes API server: the first says which kind and format, the rest comes in pieces. What is read goes
 * into an index, as it would. */
#include "fuzz.h"

#include "base/epoch.h"
#include "base/hash.h"
#include "plugins/kubernetes/decode.h"
#include "plugins/kubernetes/index.h"

static bool on_object(void *owner, enum kube_event event, const struct kube_object *o)
{
	if (event == KUBE_DELETED)
		kube_index_delete(owner, o);
	else if (event != KUBE_BOOKMARK)
		kube_index_put(owner, o);
	return true;
}

static bool on_status(void *owner, const struct kube_status *s)
{
	(void)owner;
	MUST(s->reason.length == 0 || s->reason.at);
	return false;
}

static void decode(struct kube_index *x, const uint8_t *data, size_t size)
{
	unsigned how = data[0];
	enum kube_kind kind = (enum kube_kind)(how % KUBE_KINDS);
	struct kube_reader reader = { on_object, on_status, x };
	struct kube_decoder *d = kube_decoder_new(
		how & 64 ? KUBE_JSON : KUBE_PROTOBUF, kind, (how & 128) != 0, &reader);
	struct view rest = { (const char *)data + 1, size - 1 };
	size_t piece = size % 5 ? size : 3;
	bool fine = true;
	kube_index_list_begin(x, kind);
	while (fine && rest.length) {
		size_t length = piece < rest.length ? piece : rest.length;
		fine = kube_decoder_feed(d, view_first(rest, length));
		rest = view_skip(rest, length);
	}
	if (fine && kube_decoder_complete(d))
		kube_index_list_end(x, kind);
	kube_decoder_free(d);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct kube_keeping keeping = { .pod_names = true, .zones = true, .labels = true };
	if (!size)
		return 0;
	hash_init();
	struct kube_index *x = kube_index_new(&keeping);
	decode(x, data, size);
	kube_index_publish(x, 1);
	decode(x, data, size);
	kube_index_publish(x, 2);
	kube_index_free(x);
	epoch_drain();
	return 0;
}
