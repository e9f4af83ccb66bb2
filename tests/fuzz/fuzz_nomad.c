/* Any octets as what Nomad answers: whole and in pieces they come to the same. */
#include "fuzz.h"

#include "base/hash.h"
#include "plugins/nomad/decode.h"

static void add(void *owner, struct view namespace, struct view name)
{
	uint64_t *sum = owner;
	MUST(name.length <= NOMAD_NAME_MAX);
	*sum = hash_mix(*sum, hash_bytes(namespace.at, namespace.length));
	*sum = hash_mix(*sum, hash_bytes(name.at, name.length));
}

static uint64_t read_list(struct view octets, size_t piece, bool *fine)
{
	struct nomad_listing l;
	uint64_t sum = 0;
	nomad_list_begin(&l, add, &sum);
	*fine = true;
	while (*fine && octets.length) {
		size_t length = piece < octets.length ? piece : octets.length;
		*fine = nomad_list(&l, view_first(octets, length));
		octets = view_skip(octets, length);
	}
	*fine = *fine && nomad_list_complete(&l);
	nomad_list_end(&l);
	return sum;
}

static uint64_t read_service(struct view octets, size_t piece, bool *fine)
{
	struct nomad_reading r;
	uint64_t sum = 0;
	nomad_read_begin(&r);
	*fine = true;
	while (*fine && octets.length) {
		size_t length = piece < octets.length ? piece : octets.length;
		*fine = nomad_read(&r, view_first(octets, length));
		octets = view_skip(octets, length);
	}
	*fine = *fine && nomad_read_complete(&r);
	MUST(r.count <= NOMAD_REGISTRATIONS_MAX);
	for (size_t i = 0; i < r.count; i++) {
		MUST(r.registrations[i].address_length == 4 || r.registrations[i].address_length == 16);
		sum = hash_mix(sum, hash_bytes(r.registrations[i].address, r.registrations[i].address_length));
		sum = hash_mix(sum, r.registrations[i].port);
	}
	nomad_read_end(&r);
	return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct view octets = { (const char *)data, size };
	bool whole, cut;
	uint64_t a = read_list(octets, size + 1, &whole), b = read_list(octets, 1 + size % 7, &cut);
	MUST(whole == cut && (!whole || a == b));
	a = read_service(octets, size + 1, &whole);
	b = read_service(octets, 1 + size % 7, &cut);
	MUST(whole == cut && (!whole || a == b));
	return 0;
}
