import ArgumentParser
import Caffe

struct Check: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Find every mistake in a net or solver without running it, and what is seldom meant.",
    discussion: """
      Examples: caffe-swift check train_val.prototxt
                caffe-swift check --solver solver.prototxt
                caffe-swift check train_val.prototxt --shape data=64,3,227,227

      Prints all errors and warnings, each with file and line. A net is checked in both phases. Data that is not there is a warning; --shape lets the shapes above it be \
      checked all the same. Exits with status 1 if there are errors.
      """)

  @Argument(help: "The net, a NetParameter as text.")
  var net: String?

  @Option(help: "The solver whose fields and nets are checked.")
  var solver: String?

  @Option(
    name: .customLong("shape"),
    help: "The shape of a data layer's top, such as data=64,3,224,224. May be given several times.")
  var shapes: [String] = []

  @OptionGroup var state: StateOptions

  func validate() throws {
    if (net == nil) == (solver == nil) { throw ValidationError("Give a net or --solver.") }
  }

  func run() throws {
    let given = try GivenShapes(shapes)
    var findings: [Finding] = []
    if let solver { findings += FileCheck(solver: solver, given: given).findings }
    if let net {
      findings += FileCheck(net: net, given: given, state: state.extraState).findings
    }
    for finding in findings { print(finding) }
    let errors = findings.count { $0.severity == .error }
    print("\(counted(errors, "error")), \(counted(findings.count - errors, "warning"))")
    if errors > 0 { throw ExitCode(1) }
  }

  private func counted(_ number: Int, _ noun: String) -> String {
    "\(number) \(noun)\(number == 1 ? "" : "s")"
  }
}
