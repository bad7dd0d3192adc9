import CaffeTestSupport
import Testing

/// Choices between codes that the program measures and remembers in a file.
struct ChoicesTests {
  private func folder(batch: Int) throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    try folder.write(
      "net.prototxt",
      """
      layer { name: "x" type: "Input" top: "x"
        input_param { shape { dim: \(batch) dim: 3 dim: 9 dim: 9 } } }
      layer { name: "c" type: "Convolution" bottom: "x" top: "c"
        convolution_param { num_output: 16 kernel_size: 3 } }
      layer { name: "p" type: "Pooling" bottom: "c" top: "p"
        pooling_param { kernel_size: 2 stride: 2 } }
      """)
    return folder
  }

  private func time(in folder: TemporaryFolder, choices: String) throws -> Outcome {
    try Run(
      ["time", "--model", "net.prototxt", "--iterations", "1", "--choices", choices], in: folder
    ).outcome()
  }

  @Test func theyAreMeasuredOnce() throws {
    let folder = try folder(batch: 2)
    #expect(try time(in: folder, choices: "choices.tsv").status == 0)
    let measured = try folder.read("choices.tsv")
    #expect(String(decoding: measured, as: UTF8.self).contains(" convolution 2x3x9x9 to 16 "))
    #expect(try time(in: folder, choices: "choices.tsv").status == 0)
    #expect(try folder.read("choices.tsv") == measured)
  }

  @Test func noneLeavesNoFile() throws {
    let folder = try folder(batch: 2)
    #expect(try time(in: folder, choices: "none").status == 0)
    #expect(try folder.names() == ["net.prototxt"])
  }

  @Test func batchesOfNothingAreNotMeasured() throws {
    let folder = try folder(batch: 0)
    let outcome = try time(in: folder, choices: "choices.tsv")
    #expect(outcome.status == 0, "\(outcome)")
  }

  @Test func whereNothingCanBeKeptTheRulesDecide() throws {
    let folder = try folder(batch: 2)
    let outcome = try time(in: folder, choices: "net.prototxt/choices.tsv")
    #expect(outcome.status == 0, "\(outcome)")
    #expect(outcome.errors.contains("measured choices cannot be kept, the built-in rules decide: "))
  }
}
