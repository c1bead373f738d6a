# paddock_embed_text(FOLDER PATTERNS HEADER FUNCTION OUTPUT): writes the C++ file OUTPUT with the function that HEADER declares,
# `std::span<const EmbeddedText> FUNCTION()`: name and content of each file in FOLDER that matches one of PATTERNS, by name. Runs when
# CMake configures; an edited or new file makes the build configure again.
function(paddock_embed_text folder patterns header function output)
  list(TRANSFORM patterns PREPEND ${folder}/)
  file(GLOB files CONFIGURE_DEPENDS RELATIVE ${folder} ${patterns})
  list(SORT files)
  set(rows "")
  foreach(file IN LISTS files)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${folder}/${file})
    file(READ ${folder}/${file} text)
    string(APPEND rows "    {\"${file}\", R\"embedded(${text})embedded\"},\n")
  endforeach()
  set(content "#include \"${header}\"

namespace paddock {
namespace {

constexpr EmbeddedText k${function}[] = {
${rows}};

}  // namespace

std::span<const EmbeddedText> ${function}() { return k${function}; }

}  // namespace paddock
")
  file(GENERATE OUTPUT ${output} CONTENT "${content}")
endfunction()
