# Mails about Lazaret itself. A Workflows webhook of Teams refuses what an action group sends, and nothing reaches a private app
# from outside; what the app sees by itself, it puts on a card (docs/operations.md).
resource "azurerm_monitor_action_group" "operators" {
  name                = "ag-${local.full_name}"
  resource_group_name = azurerm_resource_group.lazaret.name
  short_name          = substr("${var.name}${local.environment}", 0, 12)
  tags                = local.tags

  dynamic "email_receiver" {
    for_each = toset(var.alert_emails)

    content {
      name                    = email_receiver.value
      email_address           = email_receiver.value
      use_common_alert_schema = true
    }
  }
}

check "somebody_is_told" {
  assert {
    # With a budget this is refused altogether.
    condition     = length(var.alert_emails) > 0 || var.budget != null
    error_message = "alert_emails is empty: alerts are raised, and nobody is told."
  }
}

locals {
  # A line of our log, by its event: shared/log.ts. A test looks for each of these in the code.
  fields  = "extend event = tostring(line.event), code = tostring(line.code), seconds = toint(line.seconds)"
  app_log = "AppTraces | where Message startswith '{' | extend line = parse_json(Message) | ${local.fields}"
  job_log = "ContainerAppConsoleLogs | where Log startswith '{' | extend line = parse_json(Log) | ${local.fields}"

  # With prefixes, repositories beyond them are always refused.
  sweep_failures = length(var.repository_prefixes) > 0 ? "'catalogue-failed'" : "'repository-failed', 'catalogue-failed'"

  # Any row of the window is an alert.
  log_alerts = merge(
    {
      poison = {
        severity = 1, window = "PT15M"
        text     = "A message was given up after five tries. It is in the container refused; docs/operations.md tells what comes next."
        query    = "AppRequests | where Name endswith '-poison'"
      }
      job-failures = {
        severity = 2, window = "PT15M"
        text     = "An execution of the scan job failed, or could not hand over what it found."
        query    = "${local.job_log} | where event in ('execution-failed', 'scan-not-handed-over', 'lease-left')"
      }
      database-age = {
        severity = 2, window = "PT1H"
        text     = "The vulnerability database is too old to judge by: mend its mirror."
        query    = "union isfuzzy=true (${local.app_log}), (${local.job_log}) | where code == 'DATABASE_STALE'"
      }
      slow-verdicts = {
        severity = 2, window = "PT30M"
        text     = "A verdict took longer than ${var.slow_verdict_minutes} minutes from its push."
        query    = "${local.app_log} | where event == 'decided' and seconds > ${var.slow_verdict_minutes * 60}"
      }
      own-alerts = {
        severity = 1, window = "PT15M"
        text     = "Lazaret says something of itself: the brake is on, the ledger is lost, a message was refused. The code says what."
        query    = "${local.app_log} | where event == 'told-of-itself'"
      }
      sweeps-failing = {
        severity = 2, window = "PT30M"
        text     = "The sweep fails, or could not look at a repository: a push whose event was lost may be unaccounted for. See lazaret coverage."
        query    = "union isfuzzy=true (AppRequests | where Name == 'reconcile' and Success == false), (${local.app_log} | where event in (${local.sweep_failures}))"
      }
      unaccounted = {
        severity = 2, window = "PT30M"
        text     = "Something is in the registry, and has been unknown to Lazaret for six hours or more. See lazaret coverage."
        query    = "${local.app_log} | where event == 'unaccounted'"
      }
      sweeps-missing = {
        severity = 1, window = "PT30M"
        text     = "No sweep has run for half an hour: the function app is not working."
        query    = "AppRequests | where Name == 'reconcile' | summarize runs = count() | where runs == 0"
      }
      records-deleted = {
        severity = 1, window = "PT15M"
        text     = "Somebody deleted evidence: no identity of Lazaret's can."
        query    = "StorageBlobLogs | where OperationName in ('DeleteBlob', 'DeleteContainer') and toint(StatusCode) < 300 | where ${join(" or ", [for name in local.containers : "Uri contains '/${name}'"])}"
      }
    },
    var.attach.diagnostic_settings ? {
      passwords = {
        severity = 1, window = "PT15M"
        text     = "Somebody came to the registry with the admin's password, or as nobody."
        query    = "ContainerRegistryLoginEvents | where LoginServer =~ '${local.registry.login_server}' | where Identity in~ ('${local.registry.name}', 'anonymous', '')"
      }
      images-deleted = {
        severity = 3, window = "PT15M"
        text     = "Somebody else than Lazaret deleted images."
        query    = "ContainerRegistryRepositoryEvents | where LoginServer =~ '${local.registry.login_server}' | where OperationName contains 'delete' or OperationName startswith 'purge' | where Identity !in~ ('${azurerm_user_assigned_identity.app.client_id}', '${azurerm_user_assigned_identity.app.principal_id}')"
      }
    } : {},
  )
}

resource "azurerm_monitor_scheduled_query_rules_alert_v2" "logs" {
  for_each = local.log_alerts

  name                 = "${local.full_name}-${each.key}"
  display_name         = "Lazaret ${local.environment}: ${each.key}"
  description          = each.value.text
  resource_group_name  = azurerm_resource_group.lazaret.name
  location             = var.location
  severity             = each.value.severity
  scopes               = [azurerm_log_analytics_workspace.lazaret.id]
  window_duration      = each.value.window
  evaluation_frequency = "PT15M"
  # A table exists once its first row has come.
  skip_query_validation   = true
  auto_mitigation_enabled = true

  criteria {
    query                   = each.value.query
    time_aggregation_method = "Count"
    operator                = "GreaterThan"
    threshold               = 0
  }

  action {
    action_groups = [azurerm_monitor_action_group.operators.id]
  }

  tags = local.tags
}

resource "azurerm_monitor_metric_alert" "dead_letters" {
  count = var.attach.event_subscription ? 1 : 0

  name                = "${local.full_name}-dead-letters"
  description         = "Event Grid gave up on events of the registry. The sweep finds what they told of; the events are in the container ${local.dead_letter_container}."
  resource_group_name = azurerm_resource_group.lazaret.name
  scopes              = [local.topic.id]
  severity            = 2
  frequency           = "PT15M"
  window_size         = "PT15M"

  criteria {
    metric_namespace = "Microsoft.EventGrid/systemTopics"
    metric_name      = "DeadLetteredCount"
    aggregation      = "Total"
    operator         = "GreaterThan"
    threshold        = 0
  }

  action {
    action_group_id = azurerm_monitor_action_group.operators.id
  }

  tags = local.tags
}
