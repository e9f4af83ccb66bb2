/* The module behind regex.h: RE2, with no exception and no C++ type leaving this file. */
#include "server/regex_engine.h"

#include <atomic>
#include <cstring>
#include <new>
#include <re2/re2.h>
#include <vector>

namespace
{

/* Most patterns have few groups: finding them needs no allocation. */
constexpr size_t groups_on_stack = 16;

/*
 * One RE2 for many threads is correct but slow: each match takes a lock whose cache line all of
 * them write. So threads have copies, made when a thread first matches, and share them only where
 * there are more threads than slots.
 */
constexpr size_t copies_most = 64;

struct pattern {
	explicit pattern(const re2::StringPiece &text, const RE2::Options &options)
	    : first(text, options)
	{
	}

	~pattern()
	{
		for (auto &copy : copies)
			delete copy.load();
	}

	RE2 first;
	std::atomic<RE2 *> copies[copies_most] = {};
};

/* The calling thread's slot: threads get them in turn. */
size_t slot_of_thread()
{
	static std::atomic<size_t> threads{ 0 };
	thread_local size_t slot = threads.fetch_add(1) % copies_most;
	return slot;
}

/* The calling thread's copy. The thread that compiled, slot 0 of most programs, uses the first. */
const RE2 *copy_of_thread(const void *compiled)
{
	auto *p = static_cast<pattern *>(const_cast<void *>(compiled));
	size_t slot = slot_of_thread();
	if (slot == 0)
		return &p->first;
	RE2 *copy = p->copies[slot].load(std::memory_order_acquire);
	if (copy)
		return copy;
	RE2 *made = new RE2(p->first.pattern(), p->first.options());
	if (p->copies[slot].compare_exchange_strong(copy, made))
		return made;
	delete made;
	return copy;
}

regex_fault fault_of(RE2::ErrorCode code)
{
	switch (code) {
	case RE2::ErrorBadEscape:
		return REGEX_FAULT_ESCAPE;
	case RE2::ErrorBadCharClass:
		return REGEX_FAULT_CLASS;
	case RE2::ErrorBadCharRange:
		return REGEX_FAULT_RANGE;
	case RE2::ErrorMissingBracket:
		return REGEX_FAULT_BRACKET;
	case RE2::ErrorMissingParen:
		return REGEX_FAULT_PAREN;
	case RE2::ErrorUnexpectedParen:
		return REGEX_FAULT_UNEXPECTED_PAREN;
	case RE2::ErrorTrailingBackslash:
		return REGEX_FAULT_BACKSLASH;
	case RE2::ErrorRepeatArgument:
		return REGEX_FAULT_REPEAT_ARGUMENT;
	case RE2::ErrorRepeatSize:
		return REGEX_FAULT_REPEAT_SIZE;
	case RE2::ErrorRepeatOp:
		return REGEX_FAULT_REPEAT_OPERATOR;
	case RE2::ErrorBadPerlOp:
		return REGEX_FAULT_PERL;
	case RE2::ErrorBadUTF8:
		return REGEX_FAULT_UTF8;
	case RE2::ErrorBadNamedCapture:
		return REGEX_FAULT_NAME;
	case RE2::ErrorPatternTooLarge:
		return REGEX_FAULT_TOO_LARGE;
	default:
		return REGEX_FAULT_INTERNAL;
	}
}

void copy_part(const std::string &from, char *to, size_t size)
{
	size_t length = from.size() < size ? from.size() : size - 1;
	memcpy(to, from.data(), length);
	to[length] = '\0';
}

void *compile(view text, regex_fault *fault, char *part, size_t part_size)
{
	part[0] = '\0';
	*fault = REGEX_FAULT_INTERNAL;
	try {
		RE2::Options options;
		slot_of_thread();
		options.set_log_errors(false);
		auto *compiled =
			new struct pattern(re2::StringPiece(text.at, text.length), options);
		if (compiled->first.ok())
			return compiled;
		*fault = fault_of(compiled->first.error_code());
		copy_part(compiled->first.error_arg(), part, part_size);
		delete compiled;
	} catch (...) {
		*fault = REGEX_FAULT_TOO_LARGE;
	}
	return nullptr;
}

void release(void *compiled)
{
	delete static_cast<pattern *>(compiled);
}

size_t groups(const void *compiled)
{
	return static_cast<size_t>(
		static_cast<const pattern *>(compiled)->first.NumberOfCapturingGroups());
}

const char *group_name(const void *compiled, size_t group)
{
	const auto &names = static_cast<const pattern *>(compiled)->first.CapturingGroupNames();
	auto found = names.find(static_cast<int>(group));
	return found == names.end() ? "" : found->second.c_str();
}

bool search_into(const RE2 *re, view text, re2::StringPiece *found, view *to, size_t count)
{
	re2::StringPiece piece(text.at, text.length);
	if (!re->Match(piece, 0, piece.size(), RE2::UNANCHORED, found, static_cast<int>(count)))
		return false;
	for (size_t i = 0; i < count; i++)
		to[i] = view{ found[i].data(), found[i].size() };
	return true;
}

bool search(const void *compiled, view text, view *to, size_t count)
{
	try {
		re2::StringPiece few[groups_on_stack];
		const RE2 *re = copy_of_thread(compiled);
		if (count <= groups_on_stack)
			return search_into(re, text, few, to, count);
		std::vector<re2::StringPiece> many(count);
		return search_into(re, text, many.data(), to, count);
	} catch (...) {
		return false;
	}
}

} // namespace

extern "C" __attribute__((visibility("default"))) const regex_engine isthmus_regex_engine;
extern "C" const regex_engine isthmus_regex_engine = { compile, release, groups, group_name,
	search };
