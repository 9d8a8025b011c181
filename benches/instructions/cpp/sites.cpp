// The call sites of quill whose code is measured: one function logs once, the other twice, as in src/sizes.rs. With the
// queue of the comparison (benches/compare/cpp/quill.cpp) and without the check for immediate flushes.
#define QUILL_ENABLE_IMMEDIATE_FLUSH 0

#include "quill/LogMacros.h"
#include "quill/Logger.h"

#include <cstdint>
#include <string_view>

struct Options : quill::FrontendOptions
{
  static constexpr quill::QueueType queue_type = quill::QueueType::BoundedBlocking;
  static constexpr size_t initial_queue_capacity = 1u << 20;
};
using Logger = quill::LoggerImpl<Options>;

extern "C" __attribute__((noinline)) void quill_one_site(Logger* logger, uint64_t seq, double price,
                                                         std::string_view sym, int32_t qty)
{
  LOGJ_INFO(logger, "order filled", seq, price, sym, qty);
}

extern "C" __attribute__((noinline)) void quill_two_sites(Logger* logger, uint64_t seq, double price,
                                                          std::string_view sym, int32_t qty)
{
  LOGJ_INFO(logger, "order filled", seq, price, sym, qty);
  LOGJ_INFO(logger, "order refused", seq, price, sym, qty);
}
