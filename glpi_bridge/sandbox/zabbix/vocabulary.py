"""Zabbix's names: objects, verbs, parameters and filters of methods, and the fields the stand-in never changes.

What is known here and not served is refused loudly; what is in no list is answered as Zabbix answers the unknown.
"""

from __future__ import annotations

from glpi_bridge.zabbix_answers import AckAction


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


OBJECTS = _words(
    """
    action alert auditlog authentication autoregistration configuration connector correlation dashboard dcheck
    dhost discoveryrule drule dservice event graph graphitem graphprototype hanode history host hostgroup
    hostinterface hostprototype housekeeping httptest iconmap image item itemprototype maintenance map mediatype
    mfa module problem proxy proxygroup regexp report role script service settings sla task template
    templatedashboard templategroup token trend trigger triggerprototype user userdirectory usergroup usermacro
    valuemap
    """
)
VERBS = _words(
    """
    get create update delete massadd massremove massupdate export import importcompare generate propagate execute
    getscriptsbyhosts getscriptsbyevents acknowledge login logout checkAuthentication provision resettotp test
    version unblock copy getsli push clear createglobal updateglobal deleteglobal adddependencies
    """
)


LIST_PARAMS = {"output", "countOutput", "sortfield", "sortorder", "limit", "filter"}
EVENT_LISTS = LIST_PARAMS | {
    *("eventids", "groupids", "hostids", "objectids", "source", "object", "time_from", "time_till", "eventid_from"),
    *("eventid_till", "acknowledged", "suppressed", "symptom", "severities", "tags", "evaltype"),
    *("selectTags", "selectAcknowledges", "selectSuppressionData"),
}
PROBLEM_PARAMS = EVENT_LISTS | {"recent"}
EVENT_PARAMS = EVENT_LISTS | {"value", "selectHosts", "selectRelatedObject", "selectAlerts"}
PROBLEM_FILTERS = {"eventid", "objectid", "r_eventid", "cause_eventid", "severity", "acknowledged"}
EVENT_FILTERS = {"eventid", "objectid", "cause_eventid", "severity", "acknowledged", "value"}
TRIGGER_PARAMS = {
    *("output", "countOutput", "limit", "triggerids", "hostids", "only_true", "monitored", "skipDependent"),
    *("expandDescription", "expandComment", "selectHosts", "selectHostGroups", "selectTags", "selectItems"),
    *("selectDependencies", "selectLastEvent"),
}
HOST_PARAMS = {
    *("output", "countOutput", "limit", "hostids", "groupids", "filter", "selectInterfaces", "selectHostGroups"),
    *("selectTags", "selectInheritedTags", "selectInventory", "selectParentTemplates", "selectMacros"),
    *("search", "searchByAny", "searchInventory", "editable", "tags"),
}
ALERT_PARAMS = LIST_PARAMS | {
    *("eventids", "mediatypeids", "actionids", "userids", "eventobject", "eventsource", "time_from")
}
SUPER_ADMINS_ONLY = {"mediatype", "role", "script", "templategroup", "user", "usergroup"}
"""Objects that only super admins make, change and delete."""
ACTION_PARAMS = {
    *("output", "actionids", "filter", "selectFilter", "selectOperations", "selectRecoveryOperations"),
    "selectUpdateOperations",
}
EVENT_REAL_PARAMS = _words(
    """
    search searchByAny startSearch excludeSearch searchWildcardsEnabled editable preservekeys groupBy
    problem_time_from problem_time_till alertids userids mediatypeids
    """
)
REAL_PARAMS = _words(
    """
    search searchByAny startSearch excludeSearch searchWildcardsEnabled editable preservekeys sortfield sortorder
    limit filter groupids hostids templateids triggerids itemids tags evaltype monitored_hosts templated_hosts
    with_items with_triggers inherited templated group host min_severity lastChangeSince withUnacknowledgedEvents
    groupCount maintenance dependent active functions proxyids severities userids usrgrpids mediaids
    """
)
ACTION_RIGHTS = (
    (AckAction.CLOSE, "close_problems", "close problems"),
    (AckAction.ACKNOWLEDGE | AckAction.UNACKNOWLEDGE, "acknowledge_problems", "acknowledge problems"),
    (AckAction.MESSAGE, "add_problem_comments", "add problem comments"),
    (AckAction.SEVERITY, "change_severity", "change problem severity"),
    (AckAction.SUPPRESS | AckAction.UNSUPPRESS, "suppress_problems", "suppress problems"),
    (AckAction.TO_CAUSE, "change_problem_ranking", "convert symptom problems to cause problems"),
    (AckAction.TO_SYMPTOM, "change_problem_ranking", "convert cause problems to symptom problems"),
)
ROLE_ACTIONS = (
    *("edit_dashboards", "edit_maps", "acknowledge_problems", "suppress_problems", "close_problems", "change_severity"),
    *("add_problem_comments", "execute_scripts", "manage_api_tokens", "invoke_execute_now", "change_problem_ranking"),
)
_ACTIONS_OF_ADMINS = ("edit_maintenance", "manage_scheduled_reports", "manage_sla")
_UI = (
    *("monitoring.dashboard", "monitoring.problems", "monitoring.hosts", "monitoring.latest_data", "monitoring.maps"),
    *("services.services", "services.sla_report", "inventory.overview", "inventory.hosts"),
    *("reports.availability_report", "reports.top_triggers"),
)
_UI_OF_ADMINS = (
    *("monitoring.discovery", "reports.notifications", "reports.scheduled_reports", "configuration.template_groups"),
    *("configuration.host_groups", "configuration.templates", "configuration.hosts", "configuration.maintenance"),
    *("configuration.discovery", "configuration.trigger_actions"),
)


def actions_of(kind: int) -> tuple[str, ...]:
    """Name the actions that a role of this type (1 user, 2 admin, 3 super admin) has."""
    return ROLE_ACTIONS if kind == 1 else (*ROLE_ACTIONS, *_ACTIONS_OF_ADMINS)


def ui_of(kind: int) -> tuple[str, ...]:
    """Name the elements of the user interface that a role of this type (1 user, 2 admin, 3 super admin) has."""
    return _UI if kind == 1 else (*_UI, *_UI_OF_ADMINS)


HOST_CONSTANTS = {
    "proxyid": "0",
    "ipmi_authtype": "-1",
    "ipmi_privilege": "2",
    "ipmi_username": "",
    "ipmi_password": "",
    "maintenance_type": "0",
    "flags": "0",
    "templateid": "0",
    "tls_issuer": "",
    "tls_subject": "",
    "custom_interfaces": "0",
    "uuid": "",
    "vendor_name": "",
    "vendor_version": "",
    "proxy_groupid": "0",
    "monitored_by": "0",
    "active_available": "0",
    "assigned_proxyid": "0",
}
MEDIA_CONSTANTS = {
    "smtp_server": "",
    "smtp_helo": "",
    "smtp_email": "",
    "gsm_modem": "",
    "username": "",
    "passwd": "",
    "smtp_port": "25",
    "smtp_security": "0",
    "smtp_verify_peer": "0",
    "smtp_verify_host": "0",
    "smtp_authentication": "0",
    "message_format": "1",
    "script": "",
    "process_tags": "0",
    "show_event_menu": "0",
    "event_menu_url": "",
    "event_menu_name": "",
    "provider": "0",
    "content_type": "1",
}
INVENTORY_FIELDS = _words(
    """
    type type_full name alias os os_full os_short serialno_a serialno_b tag asset_tag macaddress_a macaddress_b
    hardware hardware_full software software_full software_app_a software_app_b software_app_c software_app_d
    software_app_e contact location location_lat location_lon notes chassis model hw_arch vendor contract_number
    installer_name deployment_status url_a url_b url_c host_networks host_netmask host_router oob_ip oob_netmask
    oob_router date_hw_purchase date_hw_install date_hw_expiry date_hw_decomm site_address_a site_address_b
    site_address_c site_city site_state site_country site_zip site_rack site_notes poc_1_name poc_1_email
    poc_1_phone_a poc_1_phone_b poc_1_cell poc_1_screen poc_1_notes poc_2_name poc_2_email poc_2_phone_a
    poc_2_phone_b poc_2_cell poc_2_screen poc_2_notes
    """
)
