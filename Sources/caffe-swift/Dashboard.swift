import ArgumentParser
import Caffe
import CaffeDashboard
import Foundation

struct Dashboard: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show runs in the browser while they go on.",
    discussion: """
      Examples: caffe-swift train --solver lenet_solver.prototxt --run runs/first &
                caffe-swift dashboard runs
                caffe-swift dashboard runs/first --labels classes.txt --port 8080

      Serves what caffe-swift report shows, for this machine alone (127.0.0.1), and keeps open pages up \
      to date. Each new snapshot is tested once, which takes the CPU for that time. Ctrl-C ends it.
      """)

  @Argument(help: "A folder of train --run, or one that holds several.")
  var folder: String

  @Option(help: "The port; any that is free if left out.")
  var port: UInt16 = 0

  @Option(help: "The names of the classes, a line each.")
  var labels: String?

  func run() throws {
    let site = try DashboardSite(folder, labels: labels.map { try ClassNames(file: $0) })
    let (folder, port) = (folder, port)
    // The server lives on Swift's threads; the main one waits for it.
    Task {
      do {
        try await DashboardServer.serve(site, port: port) { address in
          // At once, since this is what whoever started the server waits for.
          FileHandle.standardOutput.write(Data("\(folder): \(address)\n".utf8))
        }
      } catch {
        StandardError.write("caffe-swift: \(error)\n")
        Foundation.exit(1)
      }
    }
    dispatchMain()
  }
}
