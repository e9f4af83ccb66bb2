/* Any octets as a header of the PROXY protocol: what is read is not longer than what came, and does not change with what follows. */
#include "net/proxy_protocol.h"

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct proxy_header h, again;
	const char *why = NULL;
	if (size > UINT16_MAX)
		return 0;
	enum proxy_result result = proxy_header_read(data, size, &h, &why);
	MUST(result != PROXY_BAD || why);
	MUST(result != PROXY_MORE || size < PROXY_HEADER_MAX);
	if (result != PROXY_HEADER)
		return 0;
	MUST(h.length > 0 && h.length <= size && h.length <= PROXY_HEADER_MAX);
	MUST(!h.names || endpoint_address(&h.source).length);
	MUST(proxy_header_read(data, h.length, &again, &why) == PROXY_HEADER && again.length == h.length);
	MUST(proxy_header_read(data, h.length - 1, &again, &why) == PROXY_MORE);
	return 0;
}
