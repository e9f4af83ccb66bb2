/*
 * The cryptography library is libcrypto. Algorithms are fetched once: finding one by name at each use costs more than
 * a digest of a name.
 */
#include "dns/crypto.h"

#include "base/memory.h"
#include <openssl/evp.h>
#include <pthread.h>

static EVP_MD *sha1;

static void fetch(void)
{
	sha1 = EVP_MD_fetch(NULL, "SHA1", NULL);
}

void crypto_sha1(const void *data, size_t size, uint8_t digest[static SHA1_OCTETS])
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, fetch);
	if (!EVP_Digest(data, size, digest, NULL, sha1, NULL))
		memory_exhausted(size);
}
