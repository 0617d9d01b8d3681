#include <weir/flow/job_context.hpp>

#include <string>

namespace weir {

job_options job_context::options()
{
    const std::uint32_t attempt = record_ != nullptr ? record_->attempts : 0;
    if (!sub_jobs_ || sub_jobs_->of != id_ || sub_jobs_->attempt != attempt) {
        const cancel_token parent = record_ != nullptr ? record_->options.token() : cancel_token();
        sub_jobs_ = std::make_unique<sub_jobs>(sub_jobs{id_, attempt, cancel_source(parent)});
    }
    if (cancelled())
        sub_jobs_->source.cancel(reason());
    job_options inherited;
    inherited.name(std::string(name())).key(std::string(key())).deadline(deadline_);
    inherited.token(sub_jobs_->source.token());
    return inherited;
}

hold_result job_context::hold(time_point until)
{
    if (record_ == nullptr || !record_->claims)
        return hold_result::refused;
    return record_->claims->hold(until);
}

} // namespace weir
