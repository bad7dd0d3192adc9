import ArgumentParser
import Caffe

struct Report: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Make one HTML file of a run: curves, mistakes, weights, net, settings, speed.",
    discussion: """
      Examples: caffe-swift train --solver lenet_solver.prototxt --run runs/first
                caffe-swift report runs/first --labels classes.txt
                caffe-swift report run.json --solver s.prototxt --weights w.caffemodel out.html

      The file loads nothing from anywhere. Takes what train --run keeps, or a log, with the solver and \
      weights by hand; a part for which something is missing says so. The test set is run once, with \
      the weights of the newest snapshot.
      """)

  @Argument(
    help: ArgumentHelp(
      "A folder of train --run, or a log (--log-json, or Caffe's).", valueName: "run"))
  var source: String

  @Argument(help: "The page to write; report.html in the run's folder if left out.")
  var output: String?

  @Option(help: "The solver file, where there is only a log.")
  var solver: String?

  @Option(help: "The weights; those of the newest snapshot if left out.")
  var weights: String?

  @Option(help: "The names of the classes, a line each.")
  var labels: String?

  @Option(help: "How many test batches; all records once if left out.")
  var iterations: Int?

  func validate() throws {
    if let iterations, iterations < 1 {
      throw ValidationError("iterations must be at least 1, got \(iterations)")
    }
  }

  func run() throws {
    let report = try RunReport(
      source, solver: solver, weights: weights, labels: labels.map { try ClassNames(file: $0) })
    // What a page cannot do without, so that a mistyped name is an error and not a page of sentences.
    _ = try RunHistory(contentsOf: report.log)
    let progress = Progress("test batches")
    let evaluation = report.evaluate(passes: iterations) { done, _ in progress.update(done) }
    progress.finish()
    let path = output ?? (FileBytes.isFolder(source) ? "\(source)/report.html" : "report.html")
    try AtomicFile.write(path, text: report.page(evaluation).markup)
    print("\(path): written; open it in a browser")
  }
}
