// The two parsers behind strict_json.h. Both report events to one JsonTree, which checks every limit before it grows.
#include "base/strict_json.h"

#include <charconv>
#include <functional>
#include <iterator>
#include <sstream>

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include "base/utf8.h"

namespace paddock {
namespace {

std::string LineAndColumn(std::size_t line, std::size_t column) {
  return "line " + std::to_string(line) + ", column " + std::to_string(column);
}

// Of the last byte of `read`.
std::string PositionAfter(std::string_view read) {
  std::size_t line = 1;
  std::size_t column = 0;
  for (const char c : read) {
    ++column;
    if (c == '\n') {
      ++line;
      column = 0;
    }
  }
  return LineAndColumn(line, column);
}

// Builds a Json from events and keeps the first error. Every member that answers bool says whether to go on.
class JsonTree {
 public:
  // `position` tells where the parser is, for errors.
  JsonTree(std::string_view source, const ParseLimits& limits, std::function<std::string()> position)
      : source_(source), limits_(limits), position_(std::move(position)) {}

  bool AtKey() const { return !open_.empty() && open_.back().value->is_object() && !open_.back().has_key; }

  bool Key(std::string key) {
    if (!IsUtf8(key)) return Fail("the key is not valid UTF-8");
    Frame& frame = open_.back();
    if (frame.value->contains(key)) {
      return Fail((key.size() <= 80 ? "the key \"" + key + "\"" : std::string("a long key")) +
                  " is there twice");
    }
    frame.key = std::move(key);
    frame.has_key = true;
    return true;
  }

  bool Add(Json value) { return Place(std::move(value)) != nullptr; }

  bool AddText(std::string text) {
    if (!IsUtf8(text)) return Fail("the text is not valid UTF-8");
    return Add(std::move(text));
  }

  bool Open(Json empty_container) {
    if (open_.size() >= static_cast<std::size_t>(limits_.max_depth)) {
      return Fail("nested deeper than " + std::to_string(limits_.max_depth) + " levels");
    }
    Json* placed = Place(std::move(empty_container));
    if (placed == nullptr) return false;
    open_.push_back({placed, {}, false});
    return true;
  }

  bool Close() {
    open_.pop_back();
    return true;
  }

  bool Fail(const std::string& message) { return FailAt(position_(), message); }

  bool FailAt(const std::string& position, const std::string& message) {
    if (status_.ok()) {
      status_ = InvalidArgumentError(std::string(source_) + ", " + position + ": " + message);
    }
    return false;
  }

  Result<Json> Take() {
    if (!status_.ok()) return status_;
    return std::move(root_);
  }

 private:
  struct Frame {
    Json* value;  // stays valid: a container gets no further item while one inside it is open
    std::string key;
    bool has_key;
  };

  Json* Place(Json value) {
    if (++nodes_ > limits_.max_nodes) {
      Fail("more than " + std::to_string(limits_.max_nodes) + " values");
      return nullptr;
    }
    if (open_.empty()) {
      root_ = std::move(value);
      return &root_;
    }
    Frame& frame = open_.back();
    if (frame.value->is_array()) {
      frame.value->push_back(std::move(value));
      return &frame.value->back();
    }
    frame.has_key = false;
    return &((*frame.value)[frame.key] = std::move(value));
  }

  const std::string_view source_;
  const ParseLimits& limits_;
  const std::function<std::string()> position_;
  Json root_;
  std::vector<Frame> open_;
  std::size_t nodes_ = 0;
  Status status_;
};

// Before a parser sees it: the size, and bytes that no text has.
Status CheckBytes(std::string_view text, std::string_view source, const ParseLimits& limits) {
  if (text.size() > limits.max_bytes) {
    return InvalidArgumentError(std::string(source) + ": " + std::to_string(text.size()) +
                                " bytes, more than the " + std::to_string(limits.max_bytes) + " allowed");
  }
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = Utf8SequenceLength(text.substr(at));
    const auto byte = static_cast<unsigned char>(text[at]);
    const bool control = (byte < 0x20 && byte != '\t' && byte != '\n' && byte != '\r') || byte == 0x7f;
    if (length == 0 || control) {
      return InvalidArgumentError(std::string(source) + ", " + PositionAfter(text.substr(0, at + 1)) +
                                  (control ? ": a control character" : ": not valid UTF-8"));
    }
    at += length;
  }
  return OkStatus();
}

// Walks over text and tells how far it was read, which the SAX interface does not.
struct TrackingIterator {
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  const char* at;
  const char** furthest;

  reference operator*() const { return *at; }
  TrackingIterator& operator++() {
    *furthest = ++at;
    return *this;
  }
  TrackingIterator operator++(int) {
    TrackingIterator before = *this;
    ++*this;
    return before;
  }
  bool operator==(const TrackingIterator& other) const { return at == other.at; }
  bool operator!=(const TrackingIterator& other) const { return at != other.at; }
};

// The part of the library's message that a person needs, in plain ASCII: it may end within a character.
std::string PlainMessage(std::string message) {
  for (const auto& [start, end] : {std::pair{"[json.exception", "] "}, std::pair{"parse error at", ": "}}) {
    const auto found = message.find(end);
    if (message.starts_with(start) && found != std::string::npos) message.erase(0, found + 2);
  }
  for (char& c : message) {
    if (static_cast<unsigned char>(c) >= 0x80) c = '?';
  }
  return message.substr(0, 200);
}

class JsonEvents final : public nlohmann::json_sax<Json> {
 public:
  explicit JsonEvents(JsonTree& tree) : tree_(tree) {}

  bool null() override { return tree_.Add(nullptr); }
  bool boolean(bool value) override { return tree_.Add(value); }
  bool number_integer(number_integer_t value) override { return tree_.Add(value); }
  bool number_unsigned(number_unsigned_t value) override { return tree_.Add(value); }
  bool number_float(number_float_t value, const string_t&) override { return tree_.Add(value); }
  bool string(string_t& value) override { return tree_.AddText(std::move(value)); }
  bool binary(binary_t&) override { return tree_.Fail("binary values are not JSON"); }
  bool start_object(std::size_t) override { return tree_.Open(Json::object()); }
  bool key(string_t& value) override { return tree_.Key(std::move(value)); }
  bool end_object() override { return tree_.Close(); }
  bool start_array(std::size_t) override { return tree_.Open(Json::array()); }
  bool end_array() override { return tree_.Close(); }
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception& error) override {
    return tree_.Fail(PlainMessage(error.what()));
  }

 private:
  JsonTree& tree_;
};

bool IsDigits(std::string_view text, std::string_view digits) {
  return !text.empty() && text.find_first_not_of(digits) == std::string_view::npos;
}

constexpr std::string_view kDecimal = "0123456789";

// [-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?
bool IsFloat(std::string_view text) {
  const std::size_t e = text.find_first_of("eE");
  if (e != std::string_view::npos) {
    std::string_view exponent = text.substr(e + 1);
    if (exponent.starts_with('+') || exponent.starts_with('-')) exponent.remove_prefix(1);
    if (!IsDigits(exponent, kDecimal)) return false;
    text = text.substr(0, e);
  }
  if (text.starts_with('+') || text.starts_with('-')) text.remove_prefix(1);
  const std::size_t point = text.find('.');
  if (point == std::string_view::npos) return IsDigits(text, kDecimal);
  const std::string_view whole = text.substr(0, point);
  const std::string_view fraction = text.substr(point + 1);
  if (whole.empty()) return IsDigits(fraction, kDecimal);
  return IsDigits(whole, kDecimal) && (fraction.empty() || IsDigits(fraction, kDecimal));
}

template <typename T>
std::optional<Json> ParseWhole(std::string_view text, int base) {
  T value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return Json(value);
}

// A plain scalar by the core schema of YAML 1.2 (10.3.2). Nothing when it is a number that no double holds.
std::optional<Json> FromPlainScalar(const std::string& text) {
  if (text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL") return Json(nullptr);
  if (text == "true" || text == "True" || text == "TRUE") return Json(true);
  if (text == "false" || text == "False" || text == "FALSE") return Json(false);

  std::string_view number = text;
  if (number.starts_with("0o") && IsDigits(number.substr(2), "01234567")) {
    return ParseWhole<std::uint64_t>(number.substr(2), 8);
  }
  if (number.starts_with("0x") && IsDigits(number.substr(2), "0123456789abcdefABCDEF")) {
    return ParseWhole<std::uint64_t>(number.substr(2), 16);
  }
  const bool negative = number.starts_with('-');
  const std::string_view magnitude = number.substr(negative || number.starts_with('+') ? 1 : 0);
  if (magnitude == ".inf" || magnitude == ".Inf" || magnitude == ".INF") {
    const double infinity = std::numeric_limits<double>::infinity();
    return Json(negative ? -infinity : infinity);
  }
  if (text == ".nan" || text == ".NaN" || text == ".NAN")
    return Json(std::numeric_limits<double>::quiet_NaN());
  if (!IsFloat(text)) return Json(text);
  if (IsDigits(magnitude, kDecimal)) {
    const auto whole =
        negative ? ParseWhole<std::int64_t>(number, 10) : ParseWhole<std::uint64_t>(magnitude, 10);
    if (whole) return whole;
  }
  double value = 0;
  const auto [end, error] = std::from_chars(magnitude.data(), magnitude.data() + magnitude.size(), value);
  if (error != std::errc()) return std::nullopt;
  return Json(negative ? -value : value);
}

// Leaves the parser, which offers no other way out of an event; the reason is in the tree.
struct Refused {};

class YamlEvents final : public YAML::EventHandler {
 public:
  YamlEvents(std::string_view source, const ParseLimits& limits, YamlScalars scalars)
      : scalars_(scalars),
        tree_(source, limits, [this] { return LineAndColumn(Number(mark_.line), Number(mark_.column)); }) {}

  JsonTree& tree() { return tree_; }

  void OnDocumentStart(const YAML::Mark& mark) override {
    mark_ = mark;
    if (std::exchange(seen_document_, true)) Require(tree_.Fail("a second document; only one is allowed"));
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    Enter(mark, "?", anchor);
    if (tree_.AtKey()) Require(tree_.Fail("a key must be text"));
    Require(tree_.Add(nullptr));
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    mark_ = mark;
    Require(tree_.Fail("an alias (*); write the value out"));
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    const bool quoted = tag == "!";
    Enter(mark, quoted ? "?" : tag, anchor);
    if (tree_.AtKey()) {
      if (!quoted && value == "<<") Require(tree_.Fail("a merge key (<<); write the keys out"));
      return Require(tree_.Key(value));
    }
    if (quoted || scalars_ == YamlScalars::kText) return Require(tree_.AddText(value));
    auto scalar = FromPlainScalar(value);
    if (!scalar) Require(tree_.Fail("a number out of range"));
    Require(scalar->is_string() ? tree_.AddText(value) : tree_.Add(std::move(*scalar)));
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    Start(mark, tag, anchor, Json::array());
  }
  void OnSequenceEnd() override { tree_.Close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    Start(mark, tag, anchor, Json::object());
  }
  void OnMapEnd() override { tree_.Close(); }

 private:
  static std::size_t Number(int zero_based) { return static_cast<std::size_t>(zero_based) + 1; }

  static void Require(bool go_on) {
    if (!go_on) throw Refused{};
  }
  void Enter(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    mark_ = mark;
    if (anchor != YAML::NullAnchor)
      Require(tree_.Fail("an anchor (&); write the value out where it is used"));
    if (tag != "?") Require(tree_.Fail("a tag (!); the type follows from how the value is written"));
  }
  void Start(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, Json empty) {
    Enter(mark, tag, anchor);
    if (tree_.AtKey()) Require(tree_.Fail("a key must be text"));
    Require(tree_.Open(std::move(empty)));
  }

  const YamlScalars scalars_;
  YAML::Mark mark_;
  bool seen_document_ = false;
  JsonTree tree_;
};

}  // namespace

Result<Json> ParseJson(std::string_view text, std::string_view source, const ParseLimits& limits) {
  PADDOCK_RETURN_IF_ERROR(CheckBytes(text, source, limits));
  const char* furthest = text.data();
  JsonTree tree(source, limits, [text, &furthest] {
    return PositionAfter(text.substr(0, static_cast<std::size_t>(furthest - text.data())));
  });
  JsonEvents events(tree);
  Json::sax_parse(TrackingIterator{text.data(), &furthest},
                  TrackingIterator{text.data() + text.size(), &furthest}, &events);
  return tree.Take();
}

Result<Json> ParseYaml(std::string_view text, std::string_view source, const ParseLimits& limits,
                       YamlScalars scalars) {
  PADDOCK_RETURN_IF_ERROR(CheckBytes(text, source, limits));
  YamlEvents events(source, limits, scalars);
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(events)) {
    }
  } catch (const Refused&) {
  } catch (const YAML::Exception& error) {
    events.tree().FailAt(LineAndColumn(static_cast<std::size_t>(error.mark.line) + 1,
                                       static_cast<std::size_t>(error.mark.column) + 1),
                         error.msg.substr(0, 200));
  }
  return events.tree().Take();
}

}  // namespace paddock
