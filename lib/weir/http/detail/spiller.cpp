#include <weir/http/detail/spiller.hpp>

#include <boost/asio/bind_executor.hpp>
#include <boost/asio/post.hpp>
#include <boost/system/system_error.hpp>

#include <exception>
#include <system_error>
#include <utility>

namespace weir::http::detail {
namespace {

using kind = text_backlog::step::kind;

/// Why a lane did not call.
error_code code_of(const std::exception_ptr& error)
{
    if (!error)
        return {};
    try {
        std::rethrow_exception(error);
    } catch (const boost::system::system_error& e) {
        return e.code();
    } catch (...) {
        return errc::failed;
    }
}

} // namespace

/// Kept by both who works and who is told, so that no text is lost when nobody works.
struct spiller::operation {
    operation(std::shared_ptr<spill_file> f, text_backlog::step s, done t)
        : file(std::move(f)), what(std::move(s)), then(std::move(t))
    {
        if (what.what == kind::read)
            what.bytes.resize(what.size);
    }

    void work()
    {
        error = what.what == kind::read ? file->read(what.at, what.bytes)
                                        : file->write(what.at, what.bytes);
    }
    void end() { then(std::move(what), error); }

    const std::shared_ptr<spill_file> file;
    text_backlog::step what;
    done then;
    error_code error;
};

spiller::spiller(boost::asio::any_io_executor executor, const spill_options& options)
    : executor_(std::move(executor)), file_(std::make_shared<spill_file>(options.directory())),
      lane_(options.lane())
{
}

error_code spiller::start_lane()
{
    try {
        if (!lane_)
            lane_ = std::make_shared<blocking_lane>(1);
    } catch (const std::system_error& e) {
        return error_code(e.code().value(), boost::system::system_category());
    }
    return {};
}

void spiller::start(text_backlog::step s, done then)
{
    const auto made = std::make_shared<operation>(file_, std::move(s), std::move(then));
    made->error = start_lane();
    if (made->error) {
        boost::asio::post(executor_, [made] { made->end(); });
        return;
    }
    auto ended = [made](const std::exception_ptr& error) {
        if (error)
            made->error = code_of(error);
        made->end();
    };
    lane_->async_run([made] { made->work(); },
                     boost::asio::bind_executor(executor_, std::move(ended)));
}

} // namespace weir::http::detail
