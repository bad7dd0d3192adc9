import CaffeErrors
import Testing

@Suite struct ErrorLineTests {
  /// Names in files may hold anything, such as what clears a terminal.
  @Test func anErrorIsOneLineWhateverItQuotes() {
    let error = CaffeError("no blob 'a\nb\u{1B}[2J\u{2028}é'", places: ["x\r\n.prototxt"])
    #expect(error.description == #"x\r\n.prototxt: no blob 'a\nb\u{1B}[2J\u{2028}é'"#)
    #expect(error.message.contains("\n"))
    #expect(CaffeError("sóund:\t\"quoted\" 🙂").description == "sóund:\t\"quoted\" 🙂")
  }
}
